/** The REST interface under /api/v1. */

const WITHIN = 15000;

/** A refused or failed request. `status` is the HTTP status, 0 when the server could not be reached. */
export class RequestError extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }
}

async function request(path, { method = 'GET', body, query } = {}) {
  const url = new URL(`/api/v1/${path}`, location.origin);
  for (const [name, value] of Object.entries(query ?? {})) if (value != null) url.searchParams.set(name, value);
  let answer;
  try {
    answer = await fetch(url, {
      method,
      headers: { Accept: 'application/json', ...(body ? { 'Content-Type': 'application/json' } : {}) },
      body: body ? JSON.stringify(body) : undefined,
      signal: AbortSignal.timeout(WITHIN),
    });
  } catch {
    throw new RequestError(0, 'unreachable', 'The server cannot be reached.');
  }
  let content = null;
  try {
    content = await answer.json();
  } catch {
    // A proxy's error page is not JSON; the status says enough.
  }
  if (!answer.ok) {
    throw new RequestError(answer.status, content?.code ?? '', content?.detail ?? content?.title ?? `The server answered ${answer.status}.`);
  }
  return content;
}

export const me = () => request('auth/me');
export const workspaces = () => request('workspaces');
export const documents = (workspace, { cursor, limit }) =>
  request(`workspaces/${workspace}/documents`, { query: { cursor, limit } });
export const createDocument = (workspace, title, type) =>
  request(`workspaces/${workspace}/documents`, { method: 'POST', body: { title, type } });
export const lookup = (address) => request('documents/lookup', { query: { address } });
export const document = (id) => request(`documents/${id}`);
export const rename = (id, title) => request(`documents/${id}`, { method: 'PATCH', body: { title } });
