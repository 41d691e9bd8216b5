/** One article to read, at a quotation where the address names one. */
import { ApiError, article, get } from "./api.js";
import { byline, marked, original, quotation, shareLink, verdict } from "./quote.js";
import { copy, h, icon } from "./dom.js";
import { slice } from "./text.js";

/** @param {string} id @returns {Promise<HTMLElement>} */
export async function articlePage(id) {
  try {
    const found = await article(id);
    return page(found, [], marked(found.text, 0, 0), []);
  } catch (error) {
    return missing(error, "This article cannot be shown", "It may have been deleted from the archive.");
  }
}

/** @param {string} id of a citation @returns {Promise<HTMLElement>} */
export async function citationPage(id) {
  try {
    const cited = await get(`/v1/citations/${encodeURIComponent(id)}`);
    const live = await article(cited.article_id);
    const start = cited.current_start_char_index;
    const end = start === null ? 0 : start + [...cited.cited_text].length;
    const verified = start !== null && slice(live.text, start, end) === cited.cited_text;
    const state = start === null ? "changed" : cited.article_state === "current" ? "same" : "moved";
    const notice = [verdict({ state, article: live, start: start ?? 0, end, verified })];
    if (!verified) notice.push(h("p", { class: "label" }, "Quoted from the earlier version"), quotation(cited.cited_text));
    const share = h("button", { type: "button", class: "link-button", onclick: () => copy(shareLink(id), "Link to the quotation copied.") }, icon("link"), "Copy link");
    return page(live, notice, marked(live.text, verified ? start : 0, verified ? end : 0), [share]);
  } catch (error) {
    return missing(error, "This quotation cannot be shown", "Its article was deleted, or the link is not whole.");
  }
}

function page(found, notice, text, actions) {
  return h("article", { class: "page reading" }, byline(found), h("h1", { tabindex: "-1" }, found.title),
    h("div", { class: "reading-actions" }, original(found.url), ...actions), ...notice, text,
    h("p", { class: "quiet ids" }, `Article ${found.article_id} · ${found.content_hash.slice(0, 19)}…`));
}

function missing(error, title, why) {
  const isGone = error instanceof ApiError && [404, 422].includes(error.status);
  return h("div", { class: "page" }, h("div", { class: "state error", role: "alert" }, h("h1", { class: "state-title", tabindex: "-1" }, icon("warn"), title), h("p", {}, isGone ? why : error.message), isGone && h("p", { class: "quiet" }, error.message), h("a", { class: "button", href: "#/articles" }, "All articles")));
}
