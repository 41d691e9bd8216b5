/**
 * The only module that speaks to the server: keys, problems and their waiting times are handled
 * once, for all views.
 *
 * @typedef {{start_index: number, end_index: number}} Span code points of `Answer.answer`
 * @typedef {{id: string, index: number, article_id: string, title: string, url: string|null,
 *   source: string|null, author: string|null, published_at: string|null, cited_text: string,
 *   start_char_index: number, end_char_index: number, attributed_to: string|null,
 *   answer_spans: Span[], score: number, support: string, content_hash: string}} Citation
 * @typedef {{article_id: string, title: string, url: string|null, source: string|null,
 *   published_at: string|null, text: string, start_char_index: number, end_char_index: number}} FoundPassage
 * @typedef {{sentences: number, supported: number, unsupported: number, contradicted_removed: number,
 *   unscored: number, unsafe_removed: number, quotes_dropped: number, unsupported_spans: Span[]}} Verification
 * @typedef {{claim: string, citations: number[]}} Account a side of a conflict; indexes of citations
 * @typedef {{id: string, model: string, answer: string, short_answer: string|null,
 *   answer_status: "answered"|"partial"|"no_answer"|"conflicting", abstain_reason: string|null,
 *   confidence: number, standalone_question: string, citations: Citation[], accounts?: Account[],
 *   passages: FoundPassage[]|null, note: string|null, verification: Verification|null,
 *   timings_ms: Record<string, number>, request_id: string}} Answer
 * @typedef {{published_after?: string, published_before?: string, sources?: string[],
 *   article_ids?: string[], as_of?: string}} Filters
 * @typedef {{article_id: string, title: string, source: string|null, author: string|null,
 *   url: string|null, published_at: string|null, content_hash: string, text?: string}} Article
 * @typedef {{id: string, title: string|null, updated_at: string}} SessionInfo
 * @typedef {{rating: "up"|"down", reasons: string[], comment: string|null}} Rating
 * @typedef {{id: string, question: string, filters: Filters, answer: Answer|null,
 *   feedback: Rating|null}} Message
 */

const KEY = "dateline.key";

/** A problem body (RFC 9457), or what is known when there was none. */
export class ApiError extends Error {
  /** @param {number} status 0: the server was not reached @param {string} detail @param {{request_id?: string, code?: string, errors?: {pointer: string, message: string}[]}} [body] @param {number|null} [retryAfterS] */
  constructor(status, detail, body = {}, retryAfterS = null) {
    super(detail);
    this.status = status;
    this.code = body.code ?? "";
    this.requestId = body.request_id ?? null;
    this.retryAfterS = retryAfterS;
  }
}

/** @type {(wasRefused: boolean) => Promise<{key: string, remember: boolean}|null>} */
let askForKey = async () => null;
/** @type {Promise<boolean>|null} */
let asking = null;

/** @param {typeof askForKey} ask called when the server wants a key */
export function onKeyWanted(ask) {
  askForKey = ask;
}

function storedKey() {
  return sessionStorage.getItem(KEY) ?? localStorage.getItem(KEY);
}

/** Several requests that are refused at once open one dialog. */
async function newKey() {
  asking ??= (async () => {
    const given = await askForKey(storedKey() !== null);
    if (given) {
      sessionStorage.removeItem(KEY);
      localStorage.removeItem(KEY);
      (given.remember ? localStorage : sessionStorage).setItem(KEY, given.key);
    }
    return given !== null;
  })().finally(() => {
    asking = null;
  });
  return asking;
}

/**
 * @param {string} method @param {string} path
 * @param {{json?: unknown, form?: FormData, headers?: Record<string, string>, signal?: AbortSignal}} [options]
 * @returns {Promise<Response>} one that succeeded; anything else is an ApiError
 */
export async function request(method, path, { json, form, headers = {}, signal } = {}) {
  const key = storedKey();
  const sent = { ...headers };
  if (key) sent.Authorization = `Bearer ${key}`;
  if (json !== undefined) sent["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(path, { method, headers: sent, body: form ?? (json === undefined ? undefined : JSON.stringify(json)), signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    const why = navigator.onLine ? "The server does not answer. It may have stopped, or be out of reach." : "This device is offline.";
    throw new ApiError(0, why);
  }
  if (response.ok) return response;
  if (response.status === 401 && (storedKey() !== key || (await newKey()))) {
    return request(method, path, { json, form, headers, signal });
  }
  throw await problem(response);
}

/** @param {Response} response */
async function problem(response) {
  const body = await response.json().catch(() => ({}));
  const after = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
  const detail = body.detail ?? `The server answered ${response.status}.`;
  return new ApiError(response.status, detail, body, Number.isNaN(after) ? null : after);
}

/** @param {string} path @param {AbortSignal} [signal] */
export const get = async (path, signal) => (await request("GET", path, { signal })).json();
/** @param {string} path @param {unknown} json */
export const post = async (path, json) => (await request("POST", path, { json })).json();

/** @param {string} id @returns {Promise<Article>} with its text, fetched anew: it may have changed */
export const article = (id) => get(`/v1/documents/${encodeURIComponent(id)}`);
