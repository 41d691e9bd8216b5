/** Which articles may answer: chosen in a small form, shown as chips that can be taken off. */
import { day } from "./text.js";
import { h, icon, iconButton } from "./dom.js";
import { get } from "./api.js";

const DAY_MS = 86_400_000;

export class Filtering {
  constructor() {
    this.form = h("div", { class: "filter-form", id: "filter-form", hidden: true });
    this.chips = h("ul", { class: "chips", "aria-label": "Filters in use" });
    this.toggle = h("button", { type: "button", class: "button quiet-button", "aria-expanded": "false", "aria-controls": "filter-form", onclick: () => this.open(this.form.hidden) }, icon("filter"), "Filters");
    this.clear();
  }

  /** @returns {import("./api.js").Filters} as the API takes them */
  value() {
    const { from, to, asOf, sources } = this.chosen;
    /** @type {import("./api.js").Filters} */
    const filters = {};
    if (from) filters.published_after = from;
    // The API excludes the end; a reader who says “to 31 March” means that day, too.
    if (to) filters.published_before = new Date(Date.parse(to) + DAY_MS).toISOString().slice(0, 10);
    if (asOf) filters.as_of = asOf;
    if (sources.length) filters.sources = sources;
    return filters;
  }

  clear() {
    this.chosen = { from: "", to: "", asOf: "", sources: /** @type {string[]} */ ([]) };
    this.show();
  }

  /** @param {boolean} wanted */
  open(wanted) {
    this.form.hidden = !wanted;
    this.toggle.setAttribute("aria-expanded", String(wanted));
    if (wanted) void this.fill();
  }

  async fill() {
    const outlets = await get("/v1/sources").catch(() => ({ sources: [] }));
    const date = (name, label, hint) => h("label", { class: "field" }, label, h("input", { type: "date", value: this.chosen[name], "data-name": name, onchange: (event) => this.set(name, event.target.value) }), hint && h("span", { class: "hint" }, hint));
    const named = outlets.sources.filter((one) => one.source !== null);
    this.form.replaceChildren(
      h("div", { class: "dates" }, date("from", "Published from"), date("to", "Published to"), date("asOf", "As of", "as if it were this day")),
      h("fieldset", {}, h("legend", {}, "Outlets"), h("div", { class: "outlets" }, ...named.map(({ source, articles }) => h("label", { class: "check" },
        h("input", { type: "checkbox", value: source, ...(this.chosen.sources.includes(source) ? { checked: true } : {}), onchange: (event) => this.pick(source, event.target.checked) }),
        h("span", {}, source), h("span", { class: "quiet" }, String(articles)))))));
  }

  set(name, value) {
    this.chosen[name] = value;
    this.show();
  }

  pick(source, wanted) {
    const others = this.chosen.sources.filter((one) => one !== source);
    this.set("sources", wanted ? [...others, source] : others);
  }

  show() {
    const { from, to, asOf, sources } = this.chosen;
    const chips = [
      from && ["from " + day(from), () => this.set("from", "")],
      to && ["to " + day(to), () => this.set("to", "")],
      asOf && ["as of " + day(asOf), () => this.set("asOf", "")],
      ...sources.map((one) => [one, () => this.pick(one, false)]),
    ].filter(Boolean);
    this.chips.replaceChildren(...chips.map(([label, off]) => h("li", { class: "chip" }, label, iconButton("close", `Remove filter: ${label}`, () => {
      off();
      if (!this.form.hidden) void this.fill();
      this.toggle.focus();
    }))));
    this.chips.hidden = chips.length === 0;
  }
}
