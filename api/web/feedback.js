/** Thumbs, and what was wrong: the opinions become gold questions on the server. */
import { h, icon, toast } from "./dom.js";
import { post } from "./api.js";

const REASONS = { wrong: "It is wrong", not_cited: "The quote does not say that", incomplete: "Something is missing", outdated: "It is out of date", should_not_answer: "It should not have answered" };

/**
 * @param {string} messageId @param {import("./api.js").Rating|null} given
 * @param {...Node} others what else stands in the bar
 */
export function feedbackBar(messageId, given, ...others) {
  const send = async (rating, reasons = [], comment = null) => {
    try {
      await post("/v1/feedback", { message_id: messageId, rating, reasons, comment });
      show(rating);
      return true;
    } catch (error) {
      toast(error.message);
      return false;
    }
  };
  const thumb = (rating, label, onclick) => h("button", { class: "icon-button thumb", type: "button", "aria-label": label, title: label, "aria-pressed": "false", "data-rating": rating, onclick }, icon(rating));
  const up = thumb("up", "Good answer", async () => {
    area.replaceChildren();
    if (await send("up")) toast("Thank you.");
  });
  const down = thumb("down", "Bad answer", () => {
    if (area.firstChild) area.replaceChildren();
    else area.append(form(send, () => {
      area.replaceChildren();
      down.focus();
    }));
    area.querySelector("input")?.focus();
  });
  const show = (rating) => [up, down].forEach((one) => one.setAttribute("aria-pressed", String(one.dataset.rating === rating)));
  if (given) show(given.rating);
  const area = h("div", { class: "feedback-area" });
  return h("div", { class: "feedback" }, h("div", { class: "answer-bar" }, up, down, ...others), area);
}

function form(send, close) {
  const comment = h("textarea", { rows: 2, maxlength: 4000 });
  const node = h("form", { class: "feedback-form", onsubmit: async (event) => {
    event.preventDefault();
    const reasons = [...node.querySelectorAll("input:checked")].map((one) => one.value);
    if (await send("down", reasons, comment.value.trim() || null)) {
      close();
      toast("Thank you. It is noted with the answer.");
    }
  }, onkeydown: (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    close();
  } },
    h("fieldset", {}, h("legend", {}, "What is wrong with it?"), ...Object.entries(REASONS).map(([value, label]) => h("label", { class: "check" }, h("input", { type: "checkbox", value }), label))),
    h("label", { class: "field" }, "Comment (optional)", comment),
    h("div", { class: "dialog-actions" }, h("button", { type: "button", class: "button", onclick: close }, "Cancel"), h("button", { type: "submit", class: "button primary" }, "Send")));
  return node;
}
