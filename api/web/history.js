/** The reader's conversations, last used first: opened, renamed, deleted. */
import { asked, confirmed } from "./dialogs.js";
import { get, request } from "./api.js";
import { h, icon, iconButton, toast } from "./dom.js";

const place = document.getElementById("history");
const toggle = document.getElementById("history-toggle");
/** @type {string|null} */
let current = null;

toggle.append(icon("menu"));
toggle.addEventListener("click", () => openHistory(toggle.getAttribute("aria-expanded") !== "true"));

/** @param {boolean} wanted on a narrow screen, where it lies over the page */
export function openHistory(wanted) {
  const was = toggle.getAttribute("aria-expanded") === "true";
  toggle.setAttribute("aria-expanded", String(wanted));
  document.body.classList.toggle("has-history", wanted);
  if (wanted) place.querySelector("a")?.focus();
  else if (was) toggle.focus();
  return was && !wanted;
}

/** @param {string|null} id the conversation that is open */
export function setCurrent(id) {
  current = id;
  document.querySelector("nav [data-view=ask]").setAttribute("href", id ? `#/s/${encodeURIComponent(id)}` : "#/");
  place.querySelectorAll("a[data-id]").forEach((one) => {
    if (one.dataset.id === id) one.setAttribute("aria-current", "page");
    else one.removeAttribute("aria-current");
  });
}

export async function refreshHistory() {
  const list = h("ul", { class: "sessions" });
  try {
    const page = await get("/v1/sessions?limit=50");
    list.append(...page.sessions.map(entry));
    if (page.next_cursor) list.append(more(list, page.next_cursor));
    if (!page.sessions.length) list.append(h("li", { class: "quiet none" }, "What you ask is kept here."));
  } catch (error) {
    list.append(h("li", { class: "quiet none" }, error.message));
  }
  place.replaceChildren(h("a", { class: "button new", href: "#/" }, icon("plus"), "New conversation"), list);
}

function more(list, cursor) {
  const item = h("li", {}, h("button", { type: "button", class: "link-button", onclick: async () => {
    const page = await get(`/v1/sessions?limit=50&cursor=${encodeURIComponent(cursor)}`);
    item.replaceWith(...page.sessions.map(entry), ...(page.next_cursor ? [more(list, page.next_cursor)] : []));
  } }, "Older conversations"));
  return item;
}

/** @param {import("./api.js").SessionInfo} session */
function entry(session) {
  const title = session.title ?? "Untitled";
  const path = `/v1/sessions/${encodeURIComponent(session.id)}`;
  const rename = async () => {
    const wanted = await asked("Rename conversation", "Title", title);
    if (wanted) await changed(() => request("PATCH", path, { json: { title: wanted } }));
  };
  const remove = async () => {
    if (!(await confirmed("Delete conversation?", `“${title}” and its answers are forgotten on the server.`, "Delete"))) return;
    if ((await changed(() => request("DELETE", path))) && current === session.id) location.hash = "#/";
  };
  return h("li", { class: "session" },
    h("a", { href: `#/s/${encodeURIComponent(session.id)}`, "data-id": session.id, title, ...(session.id === current ? { "aria-current": "page" } : {}) }, title),
    iconButton("pencil", `Rename “${title}”`, rename), iconButton("bin", `Delete “${title}”`, remove));
}

async function changed(act) {
  try {
    await act();
  } catch (error) {
    toast(error.message);
    return false;
  }
  await refreshHistory();
  return true;
}
