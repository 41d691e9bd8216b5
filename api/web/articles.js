/** The archive: searched by words, browsed, added to, and an article deleted from it. */
import { get, post, request } from "./api.js";
import { h, icon, iconButton, toast } from "./dom.js";
import { byline } from "./quote.js";
import { confirmed } from "./dialogs.js";
import { count } from "./text.js";
import { uploader } from "./upload.js";

const PAGE = 100;

export class ArticlesView {
  /** @param {() => void} onChange called when the archive holds something else */
  constructor(onChange) {
    this.onChange = onChange;
    this.words = h("input", { type: "search", "aria-label": "Search articles", placeholder: "Search articles…", id: "article-search", oninput: () => {
      if (!this.words.value.trim()) void this.browse();
    } });
    this.list = h("ul", { class: "article-list" });
    this.status = h("p", { class: "quiet", role: "status" });
    this.more = h("button", { type: "button", class: "button", hidden: true, onclick: () => this.load() }, "Show more");
    this.element = h("div", { class: "page" },
      h("h1", {}, "Articles"),
      uploader(() => {
        onChange();
        void this.browse();
      }),
      h("form", { class: "search", role: "search", onsubmit: (event) => {
        event.preventDefault();
        void this.search();
      } }, this.words, h("button", { type: "submit", class: "button" }, icon("search"), "Search")),
      this.status, this.list, this.more);
  }

  async browse() {
    this.cursor = "";
    this.shown = [];
    await this.load();
  }

  async load() {
    try {
      const page = await get(`/v1/documents?limit=${PAGE}${this.cursor ? `&cursor=${encodeURIComponent(this.cursor)}` : ""}`);
      this.shown = [...this.shown, ...page.documents].sort((a, b) => (b.published_at ?? "").localeCompare(a.published_at ?? ""));
      this.cursor = page.next_cursor;
    } catch (error) {
      this.status.textContent = error.message;
      return;
    }
    this.more.hidden = !this.cursor;
    this.status.textContent = this.shown.length ? `${count(this.shown.length, "article")}${this.cursor ? " of more" : ""}, newest first` : "No articles yet. Upload some, or run “dateline ingest PATH” on the server.";
    this.list.replaceChildren(...this.shown.map((one) => this.row(one)));
  }

  async search() {
    const query = this.words.value.trim();
    if (!query) return this.browse();
    this.more.hidden = true;
    this.status.textContent = "Searching…";
    try {
      const { hits } = await post("/v1/search", { query, k: 30 });
      const best = new Map(hits.toReversed().map((one) => [one.article_id, one]));
      const found = hits.filter((one) => best.get(one.article_id) === one);
      this.status.textContent = found.length ? `${count(found.length, "article")}, best first` : "No article holds these words.";
      this.list.replaceChildren(...found.map((one) => this.row(one, one.text)));
    } catch (error) {
      this.status.textContent = error.message;
    }
  }

  /** @param {import("./api.js").Article|import("./api.js").FoundPassage} article @param {string} [snippet] */
  row(article, snippet) {
    return h("li", {},
      h("div", { class: "row-text" }, byline(article),
        h("a", { class: "row-title", href: `#/article/${encodeURIComponent(article.article_id)}` }, article.title),
        snippet && h("p", { class: "snippet" }, snippet)),
      iconButton("bin", `Delete “${article.title}”`, () => this.remove(article)));
  }

  async remove(article) {
    if (!(await confirmed("Delete article?", `“${article.title}” answers no more, and answers that quote it are forgotten.`, "Delete"))) return;
    try {
      await request("DELETE", `/v1/documents/${encodeURIComponent(article.article_id)}`);
      toast("Article deleted.");
      this.onChange();
      await this.browse();
      this.words.focus();
    } catch (error) {
      toast(error.message);
    }
  }
}
