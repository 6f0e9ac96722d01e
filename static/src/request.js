/** One way to talk to /api/v1: JSON, problems as RequestError, the CSRF header of a signed-in browser. */

const WITHIN = 15000;
const SAFE = new Set(['GET', 'HEAD']);
/** Seconds: a reader waits for so long by itself when the server has had too many requests. */
const PATIENCE = 10;

let csrf = null;
let whenSignedOut = null;

/** A refused or failed request. `status` is the HTTP status, 0 when the server could not be reached; `retryAfter`: seconds. */
export class RequestError extends Error {
  constructor(status, code, detail, retryAfter = 0) {
    super(detail);
    this.status = status;
    this.code = code;
    this.retryAfter = retryAfter;
  }
}

/** Keeps the token that unsafe requests with the session's cookie must carry. */
export function useCsrfToken(token) {
  csrf = token ?? null;
}

/** @param {() => void} act called when the server says that nobody is signed in any more */
export function onSignedOut(act) {
  whenSignedOut = act;
}

/** A sentence as people expect it: the API's details begin in lower case and end without a full stop. */
export function sentence(text) {
  const trimmed = text.trim();
  return trimmed === '' ? '' : `${trimmed[0].toUpperCase()}${trimmed.slice(1)}${/[.!?…]$/.test(trimmed) ? '' : '.'}`;
}

/** @returns {string} the file's name in a Content-Disposition header (RFC 6266) */
export function nameIn(header) {
  const extended = header.match(/filename\*=UTF-8''([^;]+)/i);
  return extended ? decodeURIComponent(extended[1]) : header.match(/filename="([^"]*)"/i)?.[1] ?? 'document';
}

async function once(path, { method = 'GET', body, bytes, query, version, headers: given, file, asFile = false }) {
  const url = new URL(`/api/v1/${path}`, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) {
    for (const one of [value].flat()) if (one != null && one !== '') url.searchParams.append(name, one);
  }
  const headers = { Accept: 'application/json', ...given };
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  if (bytes) headers['Content-Type'] = 'application/octet-stream';
  if (file) headers['Content-Type'] = file.type || 'application/octet-stream';
  if (csrf && !SAFE.has(method)) headers['X-CSRF-Token'] = csrf;
  if (version != null) headers['If-Match'] = `"r${version}"`;
  let answer;
  try {
    answer = await fetch(url, {
      method,
      headers,
      body: file ?? bytes ?? (body === undefined ? undefined : JSON.stringify(body)),
      // A file takes as long as it takes.
      signal: file || asFile ? undefined : AbortSignal.timeout(WITHIN),
    });
  } catch {
    throw new RequestError(0, 'unreachable', 'The server cannot be reached. Check your connection.');
  }
  if (asFile && answer.ok) return { blob: await answer.blob(), name: nameIn(answer.headers.get('Content-Disposition') ?? '') };
  let content = null;
  try {
    content = await answer.json();
  } catch {
    // No content, or a proxy's error page; the status says enough.
  }
  if (!answer.ok) {
    const detail = content?.detail ?? content?.title ?? `The server answered ${answer.status}`;
    throw new RequestError(answer.status, content?.code ?? '', sentence(detail), Number(answer.headers.get('Retry-After')) || 0);
  }
  return content;
}

/**
 * @param {string} path below /api/v1/
 * @param {{method?: string, body?: object, bytes?: Uint8Array, query?: object, version?: number, file?: Blob,
 *   asFile?: boolean}} [options] bytes: a body that is no JSON; file: one that takes its time; version: the row_version
 *   that the change was based on; the answer is 412 when the row has changed since
 * @returns {Promise<object | null>} the answer's JSON; with asFile {blob, name}
 * @throws {RequestError}
 */
export async function request(path, options = {}) {
  try {
    return await once(path, options);
  } catch (error) {
    if (error.code === 'csrf_rejected' && path !== 'auth/me') {
      // Another tab has signed in anew: its token is the one that counts.
      useCsrfToken((await once('auth/me', {})).csrf_token);
      return once(path, options);
    }
    if (error.status === 429 && SAFE.has(options.method ?? 'GET') && error.retryAfter <= PATIENCE) {
      await new Promise((go) => setTimeout(go, 1000 * Math.max(1, error.retryAfter)));
      return once(path, options);
    }
    if (error.status !== 401 || error.code !== 'unauthenticated') throw error;
    // The answer took the cookie of an ended session away: a page that knew of no session goes on without one.
    if (csrf === null) return once(path, options);
    whenSignedOut?.();
    throw error;
  }
}
