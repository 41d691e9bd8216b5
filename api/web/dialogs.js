/** Small questions to the reader. `<dialog>` keeps the focus inside and gives it back. */
import { h } from "./dom.js";

/**
 * @template T
 * @param {string} title @param {(Node|string)[]} body @param {string} accept label of the button that agrees
 * @param {(dialog: HTMLElement) => T} value read when it is pressed
 * @param {{danger?: boolean}} [options]
 * @returns {Promise<T|null>} null: cancelled
 */
function open(title, body, accept, value, { danger = false } = {}) {
  return new Promise((resolve) => {
    /** @type {T|null} */
    let result = null;
    const form = h("form", { onsubmit: (event) => {
      event.preventDefault();
      result = value(dialog);
      dialog.close();
    } },
      h("h2", { id: "dialog-title" }, title), ...body,
      h("div", { class: "dialog-actions" },
        h("button", { type: "button", class: "button", onclick: () => dialog.close() }, "Cancel"),
        h("button", { type: "submit", class: danger ? "button danger" : "button primary" }, accept)));
    const dialog = /** @type {HTMLDialogElement} */ (h("dialog", { "aria-labelledby": "dialog-title", onclose: () => {
      dialog.remove();
      resolve(result);
    } }, form));
    document.body.append(dialog);
    dialog.showModal();
  });
}

/** @param {string} title @param {string} text @param {string} accept */
export async function confirmed(title, text, accept) {
  return (await open(title, [h("p", {}, text)], accept, () => true, { danger: true })) === true;
}

/** @param {string} title @param {string} label @param {string} value */
export function asked(title, label, value) {
  const input = h("input", { type: "text", name: "text", required: true, maxlength: 200, value, autofocus: true });
  return open(title, [h("label", { class: "field" }, label, input)], "Save", () => input.value.trim());
}

/** @param {boolean} wasRefused a key was sent and is not valid */
export function keyWanted(wasRefused) {
  const key = h("input", { type: "password", required: true, autocomplete: "off", spellcheck: "false", placeholder: "dl_…", autofocus: true });
  const remember = h("input", { type: "checkbox" });
  const why = wasRefused ? "The key that was sent is not valid here. Enter another one." : "This archive asks for an API key. Whoever runs it can make one with “dateline keys create”.";
  return open("API key", [
    h("p", {}, why),
    h("label", { class: "field" }, "Key", key),
    h("label", { class: "check" }, remember, "Remember it on this device"),
  ], "Use key", () => ({ key: key.value.trim(), remember: remember.checked }));
}
