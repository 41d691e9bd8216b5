/** The numbers in an answer: a glance on hover or focus, the source in the panel on a press. */
import { day } from "./text.js";
import { h } from "./dom.js";
import { openPanel } from "./panel.js";
import { quotation } from "./quote.js";

const GAP = 8;
/** @type {HTMLElement|null} */
let card = null;

/**
 * @param {number} index @param {() => import("./api.js").Citation[]} citations those known by now
 * @returns {HTMLElement}
 */
export function cite(index, citations) {
  const cited = () => citations().find((one) => one.index === index);
  const open = () => {
    hide();
    const all = citations();
    openPanel(all, all.findIndex((one) => one.index === index), button);
  };
  const glance = () => cited() && show(button, cited());
  const named = cited();
  const label = named ? `Source ${index}: ${named.source ?? named.title}` : `Source ${index}`;
  const button = h("button", {
    class: "cite", type: "button", "data-index": index, "aria-label": label,
    onclick: open, onmouseenter: glance, onmouseleave: hide, onblur: hide, onkeydown: (event) => walk(event, button),
    onfocus: () => button.matches(":focus-visible") && glance(),
  }, String(index));
  return button;
}

/** Arrows move between the numbers of an answer. */
function walk(event, button) {
  if (event.key === "Escape") hide();
  const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!by) return;
  const all = [...button.closest(".message").querySelectorAll(".answer .cite, .accounts .cite")];
  const next = all[all.indexOf(button) + by];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

/** @param {HTMLElement} button @param {import("./api.js").Citation} cited */
function show(button, cited) {
  hide();
  // Its button names the source already; what it shows is in the panel, too.
  card = h("div", { class: "glance", "aria-hidden": "true" },
    h("p", { class: "byline" }, h("strong", {}, cited.source ?? "Outlet not named"), ` · ${day(cited.published_at) || "No date"}`),
    h("p", { class: "glance-title" }, cited.title),
    quotation(cited.cited_text),
    cited.attributed_to && h("p", { class: "attributed" }, "Said by ", h("strong", {}, cited.attributed_to)));
  document.body.append(card);
  const at = button.getBoundingClientRect();
  const left = Math.min(Math.max(GAP, at.left - 24), innerWidth - card.offsetWidth - GAP);
  const below = at.bottom + GAP + card.offsetHeight < innerHeight;
  card.style.left = `${left}px`;
  card.style.top = `${below ? at.bottom + GAP : Math.max(GAP, at.top - card.offsetHeight - GAP)}px`;
}

function hide() {
  card?.remove();
  card = null;
}

addEventListener("scroll", hide, { capture: true, passive: true });
