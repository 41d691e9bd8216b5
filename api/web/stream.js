/**
 * Answers as server-sent events over fetch, because EventSource can neither POST nor send a key.
 * A connection that breaks is taken up again once, behind the last event that arrived.
 */
import { ApiError, request } from "./api.js";

/**
 * @typedef {{event: string, id: string, data: any}} SentEvent `data` is parsed JSON, as the event has it
 */

/** @param {Response} response @returns {AsyncGenerator<SentEvent>} */
async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let buffer = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    buffer += value;
    let end;
    while ((end = buffer.indexOf("\n\n")) >= 0) {
      const parsed = parse(buffer.slice(0, end));
      buffer = buffer.slice(end + 2);
      if (parsed) yield parsed;
    }
  }
}

/** @param {string} block @returns {SentEvent|null} null: a comment */
function parse(block) {
  const fields = { event: "message", id: "", data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 1).replace(/^ /, "");
  }
  return fields.data ? { ...fields, data: JSON.parse(fields.data) } : null;
}

/**
 * Ask, and call `heard` with every event until the last.
 * @param {object} body of POST /v1/chat
 * @param {(name: string, data: any) => void} heard
 * @param {AbortSignal} signal
 */
export async function ask(body, heard, signal) {
  const at = { id: null, last: "0", done: false };
  await follow(await request("POST", "/v1/chat", { json: { ...body, stream: true }, signal }), at, heard, signal);
  if (at.done) return;
  if (at.id) {
    const path = `/v1/chat/${encodeURIComponent(at.id)}/events`;
    await follow(await request("GET", path, { headers: { "Last-Event-ID": at.last }, signal }), at, heard, signal);
  }
  if (!at.done) throw new ApiError(0, "The connection broke before the answer was whole.");
}

/** Read until `done`, or until the connection breaks. */
async function follow(response, at, heard, signal) {
  try {
    for await (const { event, id, data } of events(response)) {
      at.last = id || at.last;
      if (event === "message.start") at.id = data.id;
      if (event === "error") throw new ApiError(data.status, data.detail, data);
      at.done ||= event === "done";
      heard(event, data);
    }
  } catch (error) {
    if (error instanceof ApiError || signal.aborted) throw error;
  }
}
