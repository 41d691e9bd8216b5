/** The source beside the answer: one citation, in its article. On a phone it is a sheet from below. */
import { byline, locate, marked, original, quotation, shareLink, verdict } from "./quote.js";
import { copy, h, icon, iconButton } from "./dom.js";

const panel = document.getElementById("panel");
const narrow = matchMedia("(max-width: 64rem)");
/** @type {{citations: import("./api.js").Citation[], at: number, opener: HTMLElement|null}|null} */
let open = null;

/**
 * @param {import("./api.js").Citation[]} citations those of the answer
 * @param {number} at which of them
 * @param {HTMLElement} opener gets the focus back
 */
export function openPanel(citations, at, opener) {
  open = { citations, at, opener };
  panel.hidden = false;
  document.body.classList.add("has-panel");
  cover();
  void show();
}

export function closePanel() {
  if (!open) return false;
  const { opener } = open;
  open = null;
  panel.hidden = true;
  panel.replaceChildren();
  document.body.classList.remove("has-panel");
  cover();
  markActive(null);
  opener?.focus();
  return true;
}

/** What lies under a sheet is out of reach, of the keyboard, too. */
function cover() {
  for (const part of document.querySelectorAll(".skip, .top, main, .history")) part.inert = open !== null && narrow.matches;
}

function step(by) {
  const to = open.at + by;
  if (to < 0 || to >= open.citations.length) return;
  open.at = to;
  const article = open.opener?.closest(".message");
  open.opener = article?.querySelector(`.cite[data-index="${open.citations[to].index}"]`) ?? open.opener;
  void show();
}

/** @param {HTMLElement|null} opener */
function markActive(opener) {
  document.querySelectorAll(".cite.active").forEach((one) => one.classList.remove("active"));
  opener?.closest(".message")?.querySelectorAll(`.cite[data-index="${opener.dataset.index}"]`).forEach((one) => one.classList.add("active"));
}

async function show() {
  const { citations, at, opener } = open;
  const cited = citations[at];
  markActive(opener);
  const title = h("h2", { tabindex: "-1" }, cited.title);
  const checked = h("div", { class: "checked", "aria-live": "polite" });
  const body = h("div", { class: "panel-body", tabindex: "0", role: "region", "aria-label": "Article text" }, h("p", { class: "quiet" }, "Opening the article…"));
  panel.replaceChildren(
    h("div", { class: "panel-bar" },
      h("span", { class: "panel-count" }, `Source ${cited.index}`, h("span", { class: "quiet" }, ` of ${citations.length}`)),
      iconButton("left", "Previous source", () => step(-1), { disabled: at === 0 }),
      iconButton("right", "Next source", () => step(1), { disabled: at === citations.length - 1 }),
      iconButton("close", "Close source", closePanel)),
    h("div", { class: "panel-head" },
      byline(cited), title,
      cited.attributed_to && h("p", { class: "attributed" }, "Said by ", h("strong", {}, cited.attributed_to)),
      checked),
    body,
    h("div", { class: "panel-actions" },
      h("a", { href: `#/citation/${encodeURIComponent(cited.id)}` }, icon("book"), "Read in full"),
      original(cited.url),
      h("button", { type: "button", class: "link-button", onclick: () => copy(shareLink(cited.id), "Link to the quotation copied.") }, icon("link"), "Copy link")));
  title.focus({ preventScroll: true });
  try {
    const place = await locate(cited);
    if (open?.citations[open.at] !== cited) return;
    const text = place.article && place.verified ? marked(place.article.text, place.start, place.end) : quotation(cited.cited_text);
    checked.replaceChildren(verdict(place));
    body.replaceChildren(text);
    center(body, body.querySelector("mark"));
  } catch (error) {
    if (open?.citations[open.at] === cited) body.replaceChildren(h("p", { class: "verdict bad" }, icon("warn"), error.message), quotation(cited.cited_text));
  }
}

/** Scroll only the panel: scrollIntoView would move the page behind a sheet, too. */
function center(body, mark) {
  if (!mark) return;
  const offset = mark.getBoundingClientRect().top - body.getBoundingClientRect().top;
  body.scrollTop += offset - body.clientHeight / 3;
}

narrow.addEventListener("change", cover);
document.addEventListener("click", (event) => {
  const isBeside = !event.target.closest("#panel, .cite, dialog");
  if (open && narrow.matches && isBeside) closePanel();
});
panel.addEventListener("keydown", (event) => {
  if (event.key === "ArrowRight" && open) step(1);
  else if (event.key === "ArrowLeft" && open) step(-1);
});
