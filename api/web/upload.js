/** Files into the archive, by picker or by drag and drop; each tells what became of it. */
import { h, icon } from "./dom.js";
import { request } from "./api.js";

const ACCEPTED = ".txt,.md,.html,.htm,.pdf,.json,.jsonl";

/** @param {() => void} onDone called when files were taken in */
export function uploader(onDone) {
  const results = h("ul", { class: "upload-results", "aria-live": "polite", "aria-label": "Uploads" });
  const take = async (files) => {
    results.replaceChildren();
    for (const file of files) {
      const line = h("li", {}, h("span", { class: "file-name" }, file.name), h("span", { class: "outcome" }, "Uploading…"));
      results.append(line);
      line.lastChild.replaceWith(await sent(file));
    }
    onDone();
  };
  const input = h("input", { type: "file", multiple: true, accept: ACCEPTED, id: "upload", class: "unseen", onchange: async () => {
    await take([...input.files]);
    input.value = "";
  } });
  const drop = h("div", { class: "drop" }, input,
    h("label", { for: "upload", class: "button" }, icon("plus"), "Upload files"),
    h("span", { class: "quiet" }, "or drop them here: text, Markdown, HTML, PDF, JSON, JSONL"));
  const over = (isOver) => (event) => {
    event.preventDefault();
    drop.classList.toggle("over", isOver);
  };
  drop.addEventListener("dragover", over(true));
  drop.addEventListener("dragleave", over(false));
  drop.addEventListener("drop", (event) => {
    over(false)(event);
    void take([...event.dataTransfer.files]);
  });
  return h("section", { "aria-label": "Upload" }, drop, results);
}

/** @param {File} file @returns {Promise<HTMLElement>} what became of it */
async function sent(file) {
  const form = new FormData();
  form.append("file", file);
  try {
    const report = await (await request("POST", "/v1/documents", { form })).json();
    const outcomes = report.results ?? [report];
    const counts = Map.groupBy(outcomes, (one) => one.status);
    const parts = [...counts].map(([status, ones]) => (outcomes.length > 1 ? `${ones.length} ${status}` : status));
    const rejected = report.errors ?? [];
    if (rejected.length) parts.push(`${rejected.length} rejected: ${rejected[0].reason}`);
    const kind = rejected.length ? "warn" : "good";
    return h("span", { class: `outcome ${kind}` }, parts.join(", "));
  } catch (error) {
    return h("span", { class: "outcome bad" }, `rejected: ${error.message}`);
  }
}
