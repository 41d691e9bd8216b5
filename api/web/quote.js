/** An article's text with one quotation marked, checked here, in the browser, character by character. */
import { ApiError, article, get } from "./api.js";
import { day, slice, toUnits } from "./text.js";
import { h, icon, outLink } from "./dom.js";

/**
 * @typedef {{state: "same"|"moved"|"changed"|"gone", article: import("./api.js").Article|null,
 *   start: number, end: number, verified: boolean}} Place where a quotation stands now
 */

/**
 * Find a quotation in the article as it is now.
 * @param {import("./api.js").Citation} cited
 * @returns {Promise<Place>}
 */
export async function locate(cited) {
  let found;
  try {
    found = await article(cited.article_id);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
    return { state: "gone", article: null, start: 0, end: 0, verified: false };
  }
  let start = cited.start_char_index;
  let state = /** @type {Place["state"]} */ ("same");
  if (found.content_hash !== cited.content_hash) {
    const resolved = await get(`/v1/citations/${encodeURIComponent(cited.id)}`);
    start = resolved.current_start_char_index;
    state = start === null ? "changed" : "moved";
  }
  if (state === "changed") return { state, article: found, start: 0, end: 0, verified: false };
  const end = start + [...cited.cited_text].length;
  return { state, article: found, start, end, verified: slice(found.text, start, end) === cited.cited_text };
}

/**
 * @param {string} text @param {number} start @param {number} end code points; equal: nothing is marked
 * @returns {HTMLElement} a paragraph for each line that holds text
 */
export function marked(text, start, end) {
  const [from, to] = toUnits(text, [start, end]);
  const body = h("div", { class: "article-text" });
  let at = 0;
  for (const line of text.split("\n")) {
    const stop = at + line.length;
    if (line.trim()) {
      const a = Math.min(Math.max(from, at), stop);
      const b = Math.min(Math.max(to, at), stop);
      const paragraph = h("p");
      paragraph.append(text.slice(at, a));
      if (b > a) paragraph.append(h("mark", {}, text.slice(a, b)));
      paragraph.append(text.slice(b, stop));
      body.append(paragraph);
    }
    at = stop + 1;
  }
  return body;
}

/** @param {Place} place */
export function verdict(place) {
  if (place.verified && place.state === "same") {
    return h("p", { class: "verdict good" }, icon("check"), "Verified: these characters stand in the article.");
  }
  if (place.verified) {
    return h("p", { class: "verdict warn" }, icon("warn"), "The article has changed since it was quoted; the quoted words still stand in it.");
  }
  const why = {
    gone: "The article is no longer in the archive; the quotation cannot be checked.",
    changed: "The article has changed since it was quoted and no longer holds these words.",
  }[place.state] ?? "These characters do not stand at this place of the article.";
  return h("p", { class: "verdict bad" }, icon("warn"), why);
}

/** @param {import("./api.js").Article|import("./api.js").Citation|import("./api.js").FoundPassage} of */
export function byline(of) {
  const parts = [of.source ?? "Outlet not named", "author" in of ? of.author : null, day(of.published_at) || "No date"];
  return h("p", { class: "byline" }, ...parts.filter(Boolean).flatMap((part, n) => (n ? [h("span", { "aria-hidden": "true" }, " · "), h("span", {}, part)] : [h("strong", {}, part)])));
}

/** @param {string} text @param {...Node} after what follows in the same line */
export function quotation(text, ...after) {
  return h("blockquote", {}, h("span", { class: "quoted" }, text), ...after.flatMap((one) => ["\u00a0", one]));
}

/** @param {string|null} url */
export function original(url) {
  return outLink(url, icon("out"), "Original article");
}

/** @param {string} id @returns {string} an address that opens the quotation */
export function shareLink(id) {
  return `${location.origin}/#/citation/${encodeURIComponent(id)}`;
}
