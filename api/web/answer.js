/** One question with its answer: as it is written, and then in each of the states it may end in. */
import { prose, withNumbers } from "./prose.js";
import { copy, h, icon, iconButton } from "./dom.js";
import { byline, quotation, shareLink } from "./quote.js";
import { count, day, sentences } from "./text.js";
import { cite } from "./cite.js";
import { feedbackBar } from "./feedback.js";

const NO_ANSWER = {
  empty_index: ["The archive is empty.", "Upload articles under Articles, or run “dateline ingest PATH” on the server."],
  no_match: ["No article matches this question.", "Try other words: names, places and dates as a newspaper would print them."],
  low_confidence: ["No passage answers this with enough confidence.", "Ask for one fact at a time, or name the people, places or dates that you mean."],
  filtered_out: ["The filters leave out every article that could answer.", "Loosen or remove the filters and ask again."],
  unverified: ["What was found could not be verified, so it is not shown.", "Ask more narrowly, or read the closest passages below."],
};

/** Reads aloud what is finished, sentence by sentence. */
class Announcer {
  constructor() {
    this.live = document.getElementById("live");
    this.live.replaceChildren();
    this.said = 0;
  }

  /** @param {string} text all of it so far @param {boolean} isWhole */
  hear(text, isWhole) {
    const all = sentences(text.replace(/\s*\[\d+\]/g, ""));
    const ready = isWhole ? all.length : all.length - 1;
    for (; this.said < ready; this.said += 1) this.live.append(h("p", {}, all[this.said]));
  }
}

export class AnswerView {
  /**
   * @param {string} question
   * @param {{onRetry: () => void, onLoosen: (() => void)|null}} actions onLoosen: null without filters
   */
  constructor(question, actions) {
    this.question = question;
    this.actions = actions;
    /** @type {import("./api.js").Citation[]} */
    this.citations = [];
    /** @type {import("./api.js").FoundPassage[]} */
    this.passages = [];
    this.text = "";
    this.body = h("div", { class: "answer" });
    this.status = h("p", { class: "working" }, h("span", { class: "dots", "aria-hidden": "true" }), h("span", {}, "Searching the archive…"));
    this.rest = h("div", { class: "rest" });
    this.element = h("article", { class: "message", "aria-busy": "true" }, h("h2", { class: "question" }, question), this.status, this.body, this.rest);
  }

  /** @param {string} name @param {any} data an event of the stream */
  hear(name, data) {
    if (name === "message.start") this.begin(data);
    else if (name === "retrieval") this.read(data.passages);
    else if (name === "citation") this.citations.push(data);
    else if (name === "message.delta") this.write(data);
    else if (name === "message.end") this.end(data, null);
  }

  begin({ standalone_question }) {
    this.announcer = new Announcer();
    if (standalone_question && standalone_question !== this.question) this.understood(standalone_question);
  }

  /** @param {string} standalone */
  understood(standalone) {
    this.element.querySelector(".understood")?.remove();
    this.element.querySelector(".question").after(h("p", { class: "understood" }, "Understood as: ", h("em", {}, standalone)));
  }

  read(passages) {
    this.passages = passages;
    const outlets = new Set(passages.map((one) => one.source)).size;
    this.status.lastChild.textContent = passages.length ? `Reading ${count(passages.length, "passage")} from ${count(outlets, "outlet")}…` : "Nothing found yet…";
  }

  write({ text, replaces }) {
    if (replaces) {
      this.text = "";
      this.citations = [];
      this.body.replaceChildren();
    }
    if (!text) return;
    this.text += text;
    if (!this.body.lastChild) this.body.append(h("p"));
    this.body.lastChild.append(...withNumbers(text, () => this.citations));
    this.announcer?.hear(this.text, false);
  }

  /** @param {import("./api.js").Answer} answer @param {import("./api.js").Rating|null} given */
  end(answer, given) {
    const focused = this.body.contains(document.activeElement) ? document.activeElement.dataset?.index : null;
    this.settle();
    this.citations = answer.citations;
    this.announcer?.hear(answer.answer, true);
    if (answer.standalone_question !== this.question) this.understood(answer.standalone_question);
    this.element.dataset.status = answer.answer_status;
    const states = { no_answer: () => this.showNone(answer), conflicting: () => this.showConflict(answer) };
    (states[answer.answer_status] ?? (() => this.body.replaceChildren(...prose(answer))))();
    this.rest.replaceChildren(...this.notes(answer), ...this.sources(answer), this.bar(answer, given));
    if (focused) this.body.querySelector(`.cite[data-index="${focused}"]`)?.focus();
  }

  settle() {
    this.status.remove();
    this.element.removeAttribute("aria-busy");
  }

  showNone(answer) {
    const [why, advice] = NO_ANSWER[answer.abstain_reason] ?? NO_ANSWER.no_match;
    const passages = (answer.passages ?? this.passages).slice(0, 3);
    this.body.replaceChildren(
      h("div", { class: "state" },
        h("p", { class: "state-title" }, answer.answer || "The archive does not hold an answer to this question."),
        h("p", {}, why, " ", h("span", { class: "quiet" }, advice)),
        this.actions.onLoosen && h("button", { type: "button", class: "button", onclick: this.actions.onLoosen }, "Ask without filters")),
      ...(passages.length ? [h("h3", { class: "label" }, "Closest passages, which do not answer"), h("ul", { class: "closest" }, ...passages.map(closest))] : []));
  }

  showConflict(answer) {
    const sides = answer.accounts ?? []; // answers of an older server have none
    const parts = sides.length ? [h("div", { class: "accounts" }, ...sides.map((one) => account(one, answer.citations)))] : prose(answer);
    this.body.replaceChildren(
      h("p", { class: "state-title conflict" }, icon("warn"), "Accounts differ"),
      h("p", { class: "quiet" }, "The articles contradict each other. Each account stands with who gives it."),
      ...parts,
      ...(answer.model !== "extractive" && sides.length ? prose(answer) : []));
  }

  notes(answer) {
    const notes = [];
    const checked = answer.verification;
    if (checked && (checked.unsupported || checked.unscored)) {
      notes.push(`${count(checked.unsupported + checked.unscored, "sentence")} of ${checked.sentences} could not be tied to a passage and ${checked.unsupported + checked.unscored === 1 ? "is" : "are"} underlined.`);
    } else if (answer.answer_status === "partial") {
      notes.push("This answers only a part of the question: the archive does not hold the rest.");
    }
    if (checked?.contradicted_removed) notes.push(`${count(checked.contradicted_removed, "sentence")} that a passage contradicts ${checked.contradicted_removed === 1 ? "was" : "were"} removed.`);
    if (answer.note) notes.push(answer.note);
    return notes.map((text) => h("p", { class: "note" }, text));
  }

  sources(answer) {
    if (!answer.citations.length) return [];
    return [h("h3", { class: "label" }, count(answer.citations.length, "source")),
      h("ol", { class: "sources" }, ...answer.citations.map((one) => h("li", {},
        cite(one.index, () => answer.citations),
        h("div", {}, byline(one), h("p", { class: "source-title" }, one.title), one.attributed_to && h("p", { class: "attributed" }, "Said by ", h("strong", {}, one.attributed_to))))))];
  }

  bar(answer, given) {
    const took = answer.timings_ms?.total;
    const sure = answer.answer_status === "no_answer" ? null : `Confidence ${Math.round(answer.confidence * 100)}%`;
    const facts = [sure, answer.model === "extractive" ? "Quoted word for word" : `Written by ${answer.model}`, took ? `${(took / 1000).toFixed(1)} s` : null];
    return feedbackBar(answer.id, given,
      iconButton("copy", "Copy answer with sources", () => copy(plain(answer), "Answer and sources copied.")),
      h("span", { class: "facts" }, facts.filter(Boolean).join(" · ")));
  }

  /** @param {Error} error */
  fail(error) {
    this.settle();
    const { status = 0, requestId = null, retryAfterS = null } = /** @type {import("./api.js").ApiError} */ (error);
    const title = { 0: "Not connected", 429: "Too many questions", 503: "The server is busy", 422: "This question cannot be asked" }[status] ?? "Something went wrong";
    const retry = h("button", { type: "button", class: "button", onclick: this.actions.onRetry }, "Try again");
    if (retryAfterS) countDown(retry, retryAfterS);
    this.rest.replaceChildren(h("div", { class: "state error", role: "alert" },
      h("p", { class: "state-title" }, icon("warn"), title), h("p", {}, error.message), retry,
      requestId && h("p", { class: "quiet request-id" }, `Request ${requestId}`)));
  }

  stopped() {
    this.settle();
    this.rest.replaceChildren(h("p", { class: "note" }, "Stopped. ", h("button", { type: "button", class: "link-button", onclick: this.actions.onRetry }, "Ask again")));
  }

  /** The answer quoted an article that was deleted since. */
  gone() {
    this.settle();
    this.rest.replaceChildren(h("p", { class: "note" }, "This answer is no longer kept, because an article that it quoted was deleted. ", h("button", { type: "button", class: "link-button", onclick: this.actions.onRetry }, "Ask again")));
  }
}

/** @param {import("./api.js").Account} side @param {import("./api.js").Citation[]} citations */
function account({ claim, citations: indexes }, citations) {
  const [lead, ...also] = indexes.map((index) => citations.find((one) => one.index === index));
  const cited = () => citations;
  const who = lead.attributed_to ?? lead.source ?? lead.title;
  return h("section", { class: "account" },
    h("p", { class: "claim" }, claim),
    h("p", { class: "who" }, lead.attributed_to ? "according to " : "reported by ", h("strong", {}, within(who))),
    quotation(lead.cited_text, cite(lead.index, cited)),
    h("p", { class: "byline" }, [lead.source, day(lead.published_at)].filter(Boolean).join(" · ")),
    also.length > 0 && h("p", { class: "also" }, "Also reported by ", ...also.flatMap((one, n) => [n ? ", " : "", one.source ?? one.title, "\u00a0", cite(one.index, cited)])));
}

/** @param {string} who as it reads inside a sentence */
function within(who) {
  return who.replace(/^(An?|The|Some|One|Two|Three|Several) /, (word) => word.toLowerCase());
}

function closest(passage) {
  return h("li", {}, byline(passage),
    h("a", { href: `#/article/${encodeURIComponent(passage.article_id)}`, class: "source-title" }, passage.title),
    h("p", { class: "snippet" }, passage.text));
}

/** @param {HTMLElement} button @param {number} seconds */
function countDown(button, seconds) {
  const until = Date.now() + seconds * 1000;
  button.setAttribute("disabled", "");
  const tick = () => {
    const left = Math.ceil((until - Date.now()) / 1000);
    button.textContent = left > 0 ? `Try again in ${left} s` : "Try again";
    if (left > 0) setTimeout(tick, 250);
    else button.removeAttribute("disabled");
  };
  tick();
}

/** @param {import("./api.js").Answer} answer */
function plain(answer) {
  const lines = answer.citations.map((one) => `[${one.index}] ${[one.source, one.title, day(one.published_at), one.url ?? shareLink(one.id)].filter(Boolean).join(", ")}: “${one.cited_text}”`);
  return [answer.answer, ...lines].join("\n");
}
