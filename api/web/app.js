/** Puts the views together: which one the address names, the keyboard, and what the server holds. */
import { articlePage, citationPage } from "./reading.js";
import { get, onKeyWanted } from "./api.js";
import { openHistory, refreshHistory } from "./history.js";
import { ArticlesView } from "./articles.js";
import { ConversationView } from "./conversation.js";
import { closePanel } from "./panel.js";
import { count } from "./text.js";
import { icon } from "./dom.js";
import { keyWanted } from "./dialogs.js";

const main = document.getElementById("main");
const conversation = new ConversationView();
const articles = new ArticlesView(() => void showSize());

const ROUTES = [
  [/^#\/s\/([^/]+)$/, "ask", async (id) => {
    show(conversation.element);
    await conversation.open(id);
  }],
  [/^#\/articles$/, "articles", async () => {
    show(articles.element);
    await articles.browse();
  }],
  [/^#\/article\/([^/]+)$/, "articles", async (id) => arrive(await articlePage(id))],
  [/^#\/citation\/([^/]+)$/, "articles", async (id) => arrive(await citationPage(id))],
  [/^/, "ask", async () => {
    show(conversation.element);
    await conversation.start();
  }],
];

/** @param {HTMLElement} view */
function show(view) {
  if (main.firstElementChild === view) return;
  main.replaceChildren(view);
  scrollTo(0, 0);
}

/** Show a page that was fetched, its quotation or its headline in sight. */
function arrive(view) {
  show(view);
  document.title = `${view.querySelector("h1").textContent} – Dateline`;
  view.querySelector("h1").focus({ preventScroll: true });
  const mark = view.querySelector("mark");
  if (mark) mark.scrollIntoView({ block: "center" });
}

async function route() {
  const hash = location.hash || "#/";
  const [pattern, view, go] = ROUTES.find(([one]) => one.test(hash));
  closePanel();
  openHistory(false);
  document.body.dataset.view = view;
  document.title = "Dateline";
  document.querySelectorAll("nav a").forEach((link) => {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  });
  await go(...hash.match(pattern).slice(1).map(decodeURIComponent));
}

async function showSize() {
  const ready = await get("/readyz").catch(() => null);
  document.getElementById("archive-size").textContent = ready?.articles ? count(ready.articles, "article") : "";
}

function onKey(event) {
  if (event.defaultPrevented || document.querySelector("dialog[open]")) return;
  const isTyping = event.target.closest("input, textarea, select");
  if (event.key === "Escape") {
    if (!closePanel() && !openHistory(false)) conversation.filtering.open(false);
  } else if (event.key === "/" && !isTyping && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    document.querySelector("#question, #article-search")?.focus();
  }
}

document.getElementById("theme-toggle").append(icon("moon"));
document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  main.focus();
});
onKeyWanted(keyWanted);
addEventListener("hashchange", () => void route());
// Where the server keeps no conversations, the address of a new one is that of the last.
document.addEventListener("click", (event) => {
  const isHere = ["", "#/"].includes(location.hash);
  if (isHere && event.target.closest(".new, .wordmark")) void route();
});
addEventListener("keydown", onKey);
await Promise.all([route(), refreshHistory(), showSize()]);
