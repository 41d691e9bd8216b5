/** The view that asks: the box, the first screen, and a conversation with its follow-ups. */
import { ApiError, get, post } from "./api.js";
import { h, icon } from "./dom.js";
import { refreshHistory, setCurrent } from "./history.js";
import { AnswerView } from "./answer.js";
import { Filtering } from "./filters.js";
import { ask } from "./stream.js";
import { closePanel } from "./panel.js";
import { day } from "./text.js";

const EXAMPLES = 4;
const MONTH_MS = 31 * 86_400_000;

export class ConversationView {
  constructor() {
    this.filtering = new Filtering();
    this.box = h("textarea", { id: "question", rows: 1, maxlength: 4000, "aria-label": "Question", "aria-keyshortcuts": "/", placeholder: "Ask the archive…", onkeydown: (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    } });
    this.sendButton = h("button", { type: "submit", class: "send", "aria-label": "Ask", title: "Ask" }, icon("send"));
    this.stopButton = h("button", { type: "button", class: "send", "aria-label": "Stop", title: "Stop", hidden: true, onclick: () => this.abort?.abort() }, icon("stop"));
    this.composer = h("form", { class: "composer", onsubmit: (event) => {
      event.preventDefault();
      this.submit();
    } },
      this.filtering.form,
      h("div", { class: "box" }, this.box, h("div", { class: "box-row" }, this.filtering.toggle, this.filtering.chips, h("span", { class: "spacer" }), this.stopButton, this.sendButton)),
      h("p", { class: "fineprint" }, "Every quotation is compared with its article, character by character."));
    this.thread = h("div", { class: "thread" });
    this.welcome = h("div", { class: "welcome" });
    this.element = h("div", { class: "ask" }, this.welcome, this.thread, this.composer);
    this.reset();
  }

  reset() {
    this.abort?.abort();
    this.abort = null;
    /** @type {string|null} */
    this.sessionId = null;
    /** @type {{role: string, content: string}[]|null} what was said, where the server keeps nothing */
    this.messages = null;
    this.thread.replaceChildren();
    this.busy(false);
  }

  /** Show an empty conversation. */
  async start() {
    this.reset();
    setCurrent(null);
    this.element.classList.add("is-empty");
    this.box.placeholder = "Ask the archive…";
    this.box.focus();
    await this.greet();
  }

  async greet() {
    this.welcome.replaceChildren(h("h1", {}, "Ask the archive"), h("p", { class: "lead" }, "Answers from its articles, each with the words they stand on."));
    let heads;
    try {
      heads = await newest();
    } catch {
      return;
    }
    // Whoever asked in the meantime has left this screen.
    if (!this.element.classList.contains("is-empty")) return;
    if (!heads) {
      this.welcome.append(h("div", { class: "state" }, h("p", { class: "state-title" }, "The archive is empty"), h("p", {}, "Take in articles with ", h("code", {}, "dateline ingest PATH"), ", or upload files: text, Markdown, HTML, PDF, JSON or JSONL."), h("a", { class: "button primary", href: "#/articles" }, "Upload articles")));
      return;
    }
    const example = (one) => {
      const question = `What do we know about “${one.title}”?`;
      return h("li", {}, h("button", { type: "button", class: "example", onclick: () => {
        this.box.value = question;
        this.submit();
      } }, h("span", { class: "unseen" }, "What do we know about: "), h("span", { class: "example-title" }, one.title), h("span", { class: "byline" }, [one.source, day(one.published_at)].filter(Boolean).join(" · "))));
    };
    this.welcome.append(h("h2", { class: "label" }, "What do we know about"), h("ul", { class: "examples" }, ...heads.map(example)));
  }

  /** @param {string} id */
  async open(id) {
    if (id === this.sessionId) return;
    this.reset();
    this.sessionId = id;
    setCurrent(id);
    this.opened();
    try {
      const session = await get(`/v1/sessions/${encodeURIComponent(id)}`);
      if (this.sessionId !== id) return;
      session.messages.forEach((message) => this.restore(message));
      this.thread.lastElementChild?.scrollIntoView({ block: "start" });
    } catch (error) {
      const view = this.add("Conversation", {});
      view.fail(error);
      this.sessionId = null;
    }
    this.box.focus({ preventScroll: true });
  }

  /** @param {import("./api.js").Message} message */
  restore(message) {
    const view = this.add(message.question, message.filters);
    if (message.answer) view.end(message.answer, message.feedback);
    else view.gone();
  }

  opened() {
    this.element.classList.remove("is-empty");
    this.welcome.replaceChildren();
    this.box.placeholder = "Ask a follow-up…";
  }

  add(question, filters) {
    const loosen = Object.values(filters).some((value) => value !== null) ? () => {
      this.filtering.clear();
      void this.ask(question);
    } : null;
    const view = new AnswerView(question, { onRetry: () => {
      view.element.remove();
      void this.ask(question);
    }, onLoosen: loosen });
    this.thread.append(view.element);
    return view;
  }

  submit() {
    const question = this.box.value.trim();
    if (!question || this.abort) return;
    this.box.value = "";
    // A keyboard on the screen would cover the answer.
    if (matchMedia("(pointer: coarse)").matches) this.box.blur();
    void this.ask(question);
  }

  /** @param {string} question */
  async ask(question) {
    if (this.abort) return;
    const abort = new AbortController();
    this.abort = abort;
    const filters = this.filtering.value();
    closePanel();
    this.opened();
    this.filtering.open(false);
    this.busy(true);
    const view = this.add(question, filters);
    view.element.scrollIntoView({ block: "start", behavior: "auto" });
    try {
      await this.ensureSession();
      const turn = this.messages ? { messages: [...this.messages, { role: "user", content: question }] } : { message: question, session_id: this.sessionId };
      await ask({ ...turn, filters }, (name, data) => {
        view.hear(name, data);
        if (name === "message.end") this.remember(question, data.answer);
      }, abort.signal);
    } catch (error) {
      if (abort.signal.aborted) view.stopped();
      else view.fail(error);
    }
    if (this.abort !== abort) return;
    this.abort = null;
    this.busy(false);
    await refreshHistory();
  }

  remember(question, answer) {
    this.messages?.push({ role: "user", content: question }, { role: "assistant", content: answer });
  }

  /** Begin a conversation on the server; one that keeps none is sent what was said each time. */
  async ensureSession() {
    if (this.sessionId || this.messages) return;
    try {
      const session = await post("/v1/sessions", {});
      this.sessionId = session.id;
      history.replaceState(null, "", `#/s/${encodeURIComponent(session.id)}`);
      setCurrent(session.id);
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 422) throw error;
      this.messages = [];
    }
  }

  /** @param {boolean} busy */
  busy(busy) {
    const hadFocus = [this.sendButton, this.stopButton].includes(document.activeElement);
    this.sendButton.hidden = busy;
    this.stopButton.hidden = !busy;
    if (hadFocus) (busy ? this.stopButton : this.box).focus();
  }
}

/** @returns {Promise<import("./api.js").Article[]|null>} the newest headlines; null: the archive is empty */
async function newest() {
  const { sources } = await get("/v1/sources");
  if (!sources.length) return null;
  const last = Math.max(...sources.map((one) => (one.newest ? Date.parse(one.newest) : 0)));
  const recent = async (since) => (await get(`/v1/documents?limit=200${since ? `&published_after=${new Date(since).toISOString().slice(0, 10)}` : ""}`)).documents;
  let found = last ? await recent(last - MONTH_MS) : [];
  if (found.length < EXAMPLES) found = await recent(0);
  found.sort((a, b) => (b.published_at ?? "").localeCompare(a.published_at ?? ""));
  // One of each outlet first, so that the examples are not all of one day's desk.
  const seen = new Set();
  const varied = found.filter((one) => !seen.has(one.source) && seen.add(one.source));
  return [...varied, ...found.filter((one) => !varied.includes(one))].slice(0, EXAMPLES);
}
