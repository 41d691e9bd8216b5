/**
 * Places in texts. The API counts Unicode code points, JavaScript UTF-16 units: an emoji before a
 * quotation would shift every mark by one. All conversions are here.
 */

/**
 * @param {string} text
 * @param {number[]} places code points, in any order
 * @returns {number[]} the same places in UTF-16 units
 */
export function toUnits(text, places) {
  const wanted = [...new Set(places)].sort((a, b) => a - b);
  const found = new Map();
  let unit = 0;
  let point = 0;
  for (const place of wanted) {
    while (point < place && unit < text.length) {
      unit += text.codePointAt(unit) > 0xffff ? 2 : 1;
      point += 1;
    }
    found.set(place, unit);
  }
  return places.map((place) => found.get(place));
}

/** @param {string} text @param {number} start @param {number} end code points */
export function slice(text, start, end) {
  const [from, to] = toUnits(text, [start, end]);
  return text.slice(from, to);
}

const dayFormat = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });

/** @param {string|null|undefined} iso */
export function day(iso) {
  return iso ? dayFormat.format(new Date(iso)) : "";
}

/** @param {string} text @returns {string[]} its sentences, the last perhaps unfinished */
export function sentences(text) {
  return Array.from(new Intl.Segmenter("en", { granularity: "sentence" }).segment(text), (s) => s.segment);
}

/** @param {number} n @param {string} one @param {string} [many] */
export function count(n, one, many = `${one}s`) {
  return `${n.toLocaleString("en")} ${n === 1 ? one : many}`;
}
