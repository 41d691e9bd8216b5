/** The text of an answer as nodes: numbers become buttons, unsupported sentences are marked. */
import { cite } from "./cite.js";
import { h } from "./dom.js";
import { toUnits } from "./text.js";

const MARKER = /\[(\d{1,3})\]/g;

/**
 * @param {string} text
 * @param {() => import("./api.js").Citation[]} citations
 * @returns {(Node|string)[]} with a button for each number that has a citation
 */
export function withNumbers(text, citations) {
  const nodes = [];
  let at = 0;
  for (const match of text.matchAll(MARKER)) {
    const index = Number(match[1]);
    if (!citations().some((one) => one.index === index)) continue;
    // The space before a number may not break the line.
    nodes.push(text.slice(at, match.index).replace(/ $/, "\u00a0"), cite(index, citations));
    at = match.index + match[0].length;
  }
  nodes.push(text.slice(at));
  return nodes;
}

/**
 * @param {import("./api.js").Answer} answer
 * @returns {HTMLElement[]} its paragraphs
 */
export function prose(answer) {
  const citations = () => answer.citations;
  const spans = answer.verification?.unsupported_spans ?? [];
  const units = toUnits(answer.answer, spans.flatMap((span) => [span.start_index, span.end_index]));
  const ranges = spans.map((_, n) => [units[2 * n], units[2 * n + 1]]).sort((a, b) => a[0] - b[0]);
  const paragraph = h("p");
  let at = 0;
  for (const [start, end] of ranges) {
    paragraph.append(...withNumbers(answer.answer.slice(at, start), citations));
    paragraph.append(unsupported(withNumbers(answer.answer.slice(start, end), citations)));
    at = end;
  }
  paragraph.append(...withNumbers(answer.answer.slice(at), citations));
  emphasise(paragraph, answer.short_answer);
  return [paragraph];
}

function unsupported(nodes) {
  return h("span", { class: "unsupported", title: "No passage of the archive says this" }, ...nodes, h("span", { class: "unseen" }, " (not supported by the archive)"));
}

/** The words that answer stand out where the text begins with them. */
function emphasise(paragraph, words) {
  const first = paragraph.firstChild;
  if (!words || first?.nodeType !== Node.TEXT_NODE || !first.data.startsWith(words)) return;
  first.splitText(words.length);
  first.replaceWith(h("strong", { class: "short-answer" }, words));
}
