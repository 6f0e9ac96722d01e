/** Sends a file and tells how much of it has left: `fetch` cannot tell that. */

/** @typedef {(sent: number) => void} Progress called with the number of bytes */

/** Milliseconds without progress after which a connection counts as lost. */
const STALLED = 60000;

/**
 * Rejects where no answer arrives, and where `signal` ends it.
 * @param {URL} url
 * @param {{ method: string, headers: Record<string, string>, file: Blob, progress: Progress, signal?: AbortSignal }} options
 * @returns {Promise<Response>}
 */
export function transfer(url, { method, headers, file, progress, signal }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const abort = () => request.abort();
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(abort, STALLED);
    };
    const lost = () => reject(new TypeError('the file was not sent'));
    request.open(method, url);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', ({ loaded }) => {
      watch();
      progress(loaded);
    });
    // The server may take its time with a file that it has.
    request.upload.addEventListener('load', () => clearTimeout(timer));
    request.addEventListener('load', () => {
      const { status, statusText } = request;
      const given = [...request.getAllResponseHeaders().matchAll(/^([^:\r\n]+): *(.*?)\r?$/gm)];
      const isEmpty = status === 204 || request.responseText === '';
      resolve(
        new Response(isEmpty ? null : request.responseText, {
          status,
          statusText,
          headers: given.map(([, name, value]) => [name, value]),
        }),
      );
    });
    request.addEventListener('error', lost);
    request.addEventListener('abort', lost);
    request.addEventListener('loadend', () => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
    });
    signal?.addEventListener('abort', abort);
    if (signal?.aborted) {
      lost();
      return;
    }
    watch();
    request.send(file);
  });
}
