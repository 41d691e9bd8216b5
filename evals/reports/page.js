"use strict";
// What others wrote is in the page as text; this script only hides, sorts and opens rows of it.
// The state stands behind the #, so that a filtered view can be linked to.
document.documentElement.classList.add("js");
document.addEventListener("DOMContentLoaded", () => {
  const table = document.getElementById("cases");
  const form = document.getElementById("filters");
  const count = document.getElementById("count");
  const unfold = document.getElementById("unfold");
  const heads = [...table.querySelectorAll("thead button")];
  const cases = [...table.tBodies].map((body, place) => ({
    body, place, button: body.querySelector("button"), text: null, shown: true, open: false,
  }));
  const fields = [...form.elements].filter((field) => field.name);
  const order = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
  let sort = "";
  let descending = false;
  let sorted = "";

  const matches = (one, wanted) => {
    const data = one.body.dataset;
    for (const name of ["verdict", "slice", "status", "sentences"]) {
      if (wanted[name] && data[name] !== wanted[name]) return false;
    }
    if (wanted.change === "changed" ? !data.change : wanted.change && data.change !== wanted.change) {
      return false;
    }
    one.text ??= one.body.textContent.toLowerCase().replace(/\s+/g, " ");
    return wanted.words.every((word) => one.text.includes(word));
  };

  const filter = () => {
    const wanted = Object.fromEntries(fields.map((field) => [field.name, field.value]));
    wanted.words = wanted.q.toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const one of cases) {
      const match = matches(one, wanted);
      if (match !== one.shown) one.body.hidden = !match;
      one.shown = match;
      shown += match;
    }
    const said = shown === cases.length ? `${shown} questions` : `${shown} of ${cases.length} questions`;
    if (count.textContent !== said) count.textContent = said;
  };

  const value = (one) => one.body.rows[0].querySelector(`td.${sort}`).dataset.value;

  const arrange = () => {
    for (const head of heads) {
      const mine = head.dataset.sort === sort;
      const direction = descending ? "descending" : "ascending";
      if (mine) head.parentElement.setAttribute("aria-sort", direction);
      else head.parentElement.removeAttribute("aria-sort");
    }
    if (sorted === `${sort} ${descending}`) return;
    sorted = `${sort} ${descending}`;
    let rows = cases;
    if (sort) {
      const sign = descending ? -1 : 1;
      const keyed = cases.map((one) => ({ one, key: value(one) }));
      keyed.sort((a, b) => {
        // What has no value comes last, whichever way.
        if (!a.key || !b.key) return !a.key - !b.key || a.one.place - b.one.place;
        const found = isNaN(a.key) || isNaN(b.key) ? order.compare(a.key, b.key) : a.key - b.key;
        return sign * found || a.one.place - b.one.place;
      });
      rows = keyed.map((each) => each.one);
    }
    table.append(...rows.map((one) => one.body));
  };

  const show = (one, open) => {
    if (one.open === open) return;
    one.open = open;
    one.body.classList.toggle("open", open);
    one.button.setAttribute("aria-expanded", String(open));
  };

  const write = () => {
    const state = new URLSearchParams();
    for (const field of fields) if (field.value) state.set(field.name, field.value);
    if (sort) state.set("sort", descending ? `-${sort}` : sort);
    const open = cases.filter((one) => one.open);
    // An address of hundreds of open questions is no use to anyone.
    if (open.length <= 20) for (const one of open) state.append("open", one.body.dataset.id);
    const hash = state.toString();
    history.replaceState(null, "", hash ? `#${hash}` : location.pathname + location.search);
  };

  const read = () => {
    const hash = location.hash.slice(1);
    if (hash && !hash.includes("=")) return;
    const state = new URLSearchParams(hash);
    for (const field of fields) field.value = state.get(field.name) ?? "";
    for (const field of fields) if (field.selectedIndex === -1) field.selectedIndex = 0;
    const by = state.get("sort") ?? "";
    descending = by.startsWith("-");
    sort = heads.some((head) => head.dataset.sort === by.replace("-", "")) ? by.replace("-", "") : "";
    const open = new Set(state.getAll("open"));
    for (const one of cases) show(one, open.has(one.body.dataset.id));
    filter();
    arrange();
    const first = cases.find((one) => one.open);
    if (first && open.size === 1) first.body.scrollIntoView({ block: "start" });
  };

  let waiting = 0;
  form.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(() => { filter(); write(); }, 100);
  });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => { filter(); write(); }));
  table.addEventListener("click", (event) => {
    const head = event.target.closest("thead button");
    if (head) {
      if (sort !== head.dataset.sort) [sort, descending] = [head.dataset.sort, false];
      else if (!descending) descending = true;
      else [sort, descending] = ["", false];
      arrange();
      write();
      return;
    }
    const row = event.target.closest("tbody > tr:first-child");
    if (!row || (!event.target.closest("button") && String(getSelection()))) return;
    const one = cases.find((each) => each.body === row.parentElement);
    show(one, !one.open);
    write();
  });
  unfold.addEventListener("click", () => {
    const open = unfold.getAttribute("aria-pressed") !== "true";
    for (const one of cases) show(one, open && one.shown);
    unfold.setAttribute("aria-pressed", String(open));
    unfold.textContent = open ? "Close all" : "Open those shown";
    write();
  });
  addEventListener("hashchange", read);
  read();
});
