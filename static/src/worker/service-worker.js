/**
 * The service worker: it keeps the files of the list and of the editor page, so that these start without a network.
 *
 * It keeps no answer of the API and nothing of a person: lib/kept-answers.js does, in the page. The files of a build are
 * kept together, each only where it is the one that the build has made, so that a page never gets files of two builds. Own
 * code, because Workbox is larger than this file, and keeps files apart from their pages.
 */

/** @typedef {Event & { waitUntil: (end: Promise<unknown>) => void }} LifeEvent */
/** @typedef {Event & { request: Request, respondWith: (answer: Promise<Response>) => void }} FetchedEvent */

/** Addresses and hashes (Subresource Integrity) of the files. The build writes them. @type {[string, string][]} */
const FILES = /** @type {any} */ (globalThis).BUILT_FILES;
/** The hash of the build. @type {string} */
const BUILD = /** @type {any} */ (globalThis).BUILD;

const PREFIX = 'shell-';
const SHELL = PREFIX + BUILD;
/** The builds whose files are kept: pages that were opened before an update load more files of their own build. */
const BUILDS_KEPT = 2;
/** Milliseconds until a page is taken from the files that are kept, though the server may answer yet. */
const PATIENCE = 4000;
/** Answers of a proxy before a server that does not run. */
const NO_SERVER = new Set([502, 503, 504]);

/** A file whose address names its content. */
const IMMUTABLE = /^\/static\/(shared-[A-Z0-9]{8}\.js$|[^?]+\?v=)/;
/** Pages, and the address under which the file is kept that the server sends for them. @type {[RegExp, string][]} */
const PAGES = [
  [/^\/(w\/[^/]+\/?)?$/, '/'],
  [/^\/d\/./, '/d/'],
  [/^\/(account|admin|w\/[^/]+\/settings|offline)$/, '/offline'],
];

const worker = /** @type {any} */ (globalThis);

/** @param {string} address @param {string} integrity @param {Cache} cache */
async function keepFile(address, integrity, cache) {
  const known = IMMUTABLE.test(address) ? await caches.match(address) : undefined;
  const answer = known ?? (await fetch(address, { integrity, cache: 'no-cache' }));
  if (!answer.ok || answer.redirected) throw new Error(`${address}: ${answer.status}`);
  await cache.put(address, answer);
}

/** Keeps the files of this build: all of them, or none. */
async function install() {
  const cache = await caches.open(SHELL);
  try {
    await Promise.all(FILES.map(([address, integrity]) => keepFile(address, integrity, cache)));
  } catch (error) {
    await caches.delete(SHELL);
    throw error;
  }
  await worker.skipWaiting();
}

/** Deletes the files of old builds, and tells the open pages which build is here now. */
async function activate() {
  const shells = (await caches.keys()).filter((name) => name.startsWith(PREFIX));
  const old = shells.filter((name) => name !== SHELL).slice(0, -(BUILDS_KEPT - 1));
  await Promise.all(old.map((name) => caches.delete(name)));
  await worker.clients.claim();
  for (const client of await worker.clients.matchAll()) client.postMessage({ build: BUILD });
}

/** @param {string} address */
async function keptFile(address) {
  return (await caches.open(SHELL)).match(address);
}

/**
 * The server's answer. Where there is none, or none soon, the file that is kept.
 * @param {Request} request
 * @param {string} address
 * @returns {Promise<Response>}
 */
async function fromServer(request, address) {
  const asked = fetch(request);
  const late = new Promise((/** @type {(_: null) => void} */ resolve) => {
    setTimeout(resolve, PATIENCE, null);
  });
  try {
    const answer = await Promise.race([asked, late]);
    if (answer && !NO_SERVER.has(answer.status)) return answer;
  } catch {
    // Without a connection.
  }
  return (await keptFile(address)) ?? asked;
}

/** @param {Request} request @param {string} address */
async function fromFiles(request, address) {
  return (await caches.match(address)) ?? fetch(request);
}

worker.addEventListener('install', (/** @type {LifeEvent} */ event) => event.waitUntil(install()));
worker.addEventListener('activate', (/** @type {LifeEvent} */ event) => event.waitUntil(activate()));
worker.addEventListener('fetch', (/** @type {FetchedEvent} */ event) => {
  const { request } = event;
  const { origin, pathname, search } = new URL(request.url);
  if (request.method !== 'GET' || origin !== worker.location.origin) return;
  if (request.mode === 'navigate') {
    const page = PAGES.find(([paths]) => paths.test(pathname));
    if (page) event.respondWith(fromServer(request, page[1]));
  } else if (pathname.startsWith('/static/')) {
    const address = pathname + search;
    event.respondWith(IMMUTABLE.test(address) ? fromFiles(request, address) : fromServer(request, address));
  }
});
