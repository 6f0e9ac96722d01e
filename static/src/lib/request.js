/** Requests to /api/v1: JSON in and out, problems as RequestError, the CSRF header of a signed-in browser. */

import { transfer } from './transfer.js';

/** @import { Progress } from './transfer.js' */
/** @import { Query } from './types.js' */

/** Milliseconds until a request is given up. */
const TIMEOUT = 15000;
const SAFE = new Set(['GET', 'HEAD']);
/** Seconds. A refused read is repeated by itself where the server asks for a shorter wait than this. */
const LONGEST_WAIT = 10;
/** Characters. Browsers refuse to keep more than 64 KiB of all requests alive after a page. */
const LONGEST_KEPT = 4000;
/** The key of the token in sessionStorage. */
const CSRF_KEY = 'collab:csrf';

/** @type {string | null} The token of the session that this page knows of. */
let csrf = null;
/** @type {(() => void) | null} */
let whenSignedOut = null;
/** @type {{ token: string, dropped: () => void } | null} The link by which the page's document was opened. */
let link = null;

/** A refused or failed request. `status`: HTTP status, 0 for an unreachable server. `retryAfter`: seconds. */
export class RequestError extends Error {
  /**
   * @param {number} status
   * @param {string} code the code of the problem
   * @param {string} detail
   * @param {number} [retryAfter]
   */
  constructor(status, code, detail, retryAfter = 0) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/**
 * The HTTP status of a RequestError; undefined for any other error.
 * @param {unknown} error
 */
export const statusOf = (error) => (error instanceof RequestError ? error.status : undefined);

/** Statuses of requests that have reached no server: 0, and those of a proxy before it. */
const NO_SERVER = new Set([0, 502, 503, 504]);

/**
 * Whether a request has failed because the server cannot be reached.
 * @param {unknown} error
 */
export const isUnreachable = (error) => error instanceof RequestError && NO_SERVER.has(error.status);

/**
 * The message of a RequestError. Throws any other error again.
 * @param {unknown} error
 */
export function messageOf(error) {
  if (error instanceof RequestError) return error.message;
  throw error;
}

/**
 * Keeps the token that unsafe requests with the session's cookie must carry. The next page of this tab uses it for
 * changes that are made before it knows its own.
 * @param {string | null | undefined} token
 */
export function useCsrfToken(token) {
  csrf = token ?? null;
  try {
    if (csrf) sessionStorage.setItem(CSRF_KEY, csrf);
    else sessionStorage.removeItem(CSRF_KEY);
  } catch {
    // The browser keeps nothing for this site. The page asks for the token as it is needed.
  }
}

function csrfToken() {
  try {
    return csrf ?? sessionStorage.getItem(CSRF_KEY);
  } catch {
    return csrf;
  }
}

/**
 * @param {(() => void) | null} act called when the server answers that the session has ended
 * @returns what was called until now
 */
export function onSignedOut(act) {
  const before = whenSignedOut;
  whenSignedOut = act;
  return before;
}

/**
 * Sends the token of an opened link with each request from now on.
 * @param {{ token: string, dropped: () => void } | null} opened `dropped`: called when the page goes on without it
 */
export function useLink(opened) {
  link = opened;
}

/** Whether the page goes with an opened link. */
export const hasLink = () => link !== null;

/**
 * Goes on without a link that was refused, with the rights of who is signed in. Returns whether that is possible.
 * @returns {Promise<boolean>}
 */
export async function dropLink() {
  const refused = link;
  if (!refused) return false;
  const who = await once('auth/me', { withoutLink: true }).catch(() => null);
  if (who?.kind !== 'user') return false;
  useCsrfToken(who.csrf_token);
  if (link === refused) {
    link = null;
    refused.dropped();
  }
  return true;
}

/**
 * The address of a picture of the API as an element asks for it, which sends no headers.
 * @param {string} url
 */
export function withLink(url) {
  if (!link) return url;
  return `${url}${url.includes('?') ? '&' : '?'}share=${encodeURIComponent(link.token)}`;
}

/**
 * Makes a sentence of a problem's detail, which begins in lower case and ends without a full stop.
 * @param {string} text
 */
export function sentence(text) {
  const trimmed = text.trim();
  return trimmed === '' ? '' : `${trimmed[0].toUpperCase()}${trimmed.slice(1)}${/[.!?…]$/.test(trimmed) ? '' : '.'}`;
}

/**
 * @param {string} header Content-Disposition (RFC 6266)
 * @returns {string} the file's name
 */
export function nameIn(header) {
  const extended = header.match(/filename\*=UTF-8''([^;]+)/i);
  return extended ? decodeURIComponent(extended[1]) : (header.match(/filename="([^"]*)"/i)?.[1] ?? 'document');
}

/**
 * @typedef {object} Options
 * @property {string} [method]
 * @property {object} [body] sent as JSON
 * @property {Uint8Array} [bytes] a body that is no JSON
 * @property {Query} [query] null, undefined and '' are left out
 * @property {number} [version] the row_version that the change is based on; the answer is 412 when the row is newer
 * @property {Record<string, string>} [headers]
 * @property {Blob} [file] a body that may take longer than the time limit
 * @property {boolean} [asFile] the answer is a file
 * @property {Progress} [progress] called while the file is sent
 * @property {AbortSignal} [signal] ends the sending of a file
 * @property {boolean} [withoutLink] the request does not tell by which link the person came
 */

const unreachable = () => new RequestError(0, 'unreachable', 'The server cannot be reached. Check your connection.');

/**
 * @param {string} path
 * @param {Options} options
 * @returns {Promise<any>}
 */
async function once(path, options) {
  const { method = 'GET', body, bytes, query, version, headers: given, file, asFile = false } = options;
  const url = new URL(`/api/v1/${path}`, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of [value].flat()) if (one != null && one !== '') url.searchParams.append(name, String(one));
  }
  /** @type {Record<string, string>} */
  const headers = { Accept: 'application/json', ...given };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (bytes) headers['Content-Type'] = 'application/octet-stream';
  if (file) headers['Content-Type'] ??= file.type || 'application/octet-stream';
  const token = SAFE.has(method) ? null : csrfToken();
  if (token) headers['X-CSRF-Token'] = token;
  if (link && !options.withoutLink) headers['X-Share-Token'] = link.token;
  if (version != null) headers['If-Match'] = `"r${version}"`;
  const json = body === undefined ? undefined : JSON.stringify(body);
  let answer;
  try {
    answer = await (file && options.progress
      ? transfer(url, { method, headers, file, progress: options.progress, signal: options.signal })
      : fetch(url, {
          method,
          headers,
          body: file ?? /** @type {BodyInit | undefined} */ (bytes) ?? json,
          // A change is carried out though the person goes to another page meanwhile.
          keepalive: !SAFE.has(method) && !file && !bytes && (json?.length ?? 0) <= LONGEST_KEPT,
          signal: file || asFile ? undefined : AbortSignal.timeout(TIMEOUT),
        }));
  } catch {
    throw unreachable();
  }
  if (asFile && answer.ok) {
    const blob = await answer.blob().catch(() => {
      throw unreachable();
    });
    return { blob, name: nameIn(answer.headers.get('Content-Disposition') ?? '') };
  }
  let content = null;
  try {
    content = await answer.json();
  } catch (error) {
    // The connection has ended within the answer.
    if (!(error instanceof SyntaxError)) throw unreachable();
    // The answer has no content, or is a proxy's error page. The status is enough.
  }
  if (!answer.ok) {
    const detail = content?.detail ?? content?.title ?? `The server answered ${answer.status}`;
    throw new RequestError(
      answer.status,
      content?.code ?? '',
      sentence(detail),
      Number(answer.headers.get('Retry-After')) || 0,
    );
  }
  return content;
}

/**
 * Sends a request. Throws a RequestError.
 * @param {string} path below /api/v1/
 * @param {Options} [options]
 * @returns {Promise<any>} the answer's JSON; with asFile {blob, name}
 */
export async function request(path, options = {}) {
  try {
    return await once(path, options);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    if (link && (error.status === 401 || error.code === 'share_used_up')) {
      if (await dropLink()) return once(path, options);
      if (error.code !== 'unauthenticated') throw error;
    }
    if (error.code === 'csrf_rejected' && path !== 'auth/me') {
      // Another tab has signed in, which has given this session a new token.
      useCsrfToken((await once('auth/me', {})).csrf_token);
      return once(path, options);
    }
    if (error.status === 429 && SAFE.has(options.method ?? 'GET') && error.retryAfter <= LONGEST_WAIT) {
      await new Promise((go) => {
        setTimeout(go, 1000 * Math.max(1, error.retryAfter));
      });
      return once(path, options);
    }
    if (error.status !== 401 || error.code !== 'unauthenticated') throw error;
    // The answer has deleted the cookie of an ended session. A page that knew of no session goes on as a guest.
    if (csrf === null) return once(path, options);
    whenSignedOut?.();
    throw error;
  }
}
