/** Pages without a network: they register the service worker, and tell of a new version of the server's files. */
import { h } from './dom.js';

/** Milliseconds between two looks for a new version, at least. */
const LOOK_AFTER = 60000;

/** @type {ServiceWorkerRegistration | null} */
let registration = null;
let lookedAt = Date.now();

/** Looks for a new version of the server's files. */
export function lookForUpdate() {
  if (!registration || Date.now() - lookedAt < LOOK_AFTER) return;
  lookedAt = Date.now();
  // Without a connection there is no new version.
  registration.update().catch(() => {});
}

function tellOfUpdate() {
  if (document.getElementById('update')) return;
  const notice = h(
    'aside',
    { class: 'update', id: 'update', role: 'status' },
    h('span', {}, 'A new version is available.'),
    h('button', { class: 'button small primary', type: 'button', onclick: () => location.reload() }, 'Reload'),
    h('button', { class: 'button small quiet', type: 'button', onclick: () => notice.remove() }, 'Later'),
  );
  document.body.append(notice);
}

/** Waits until the page has loaded: the files that the service worker loads can wait for it. */
const isLoaded = () =>
  new Promise((resolve) => {
    if (document.readyState === 'complete') resolve(null);
    else addEventListener('load', resolve, { once: true });
  });

/** Registers the service worker, where the browser has one for this site. */
export async function startWorker() {
  const { serviceWorker } = navigator;
  if (!serviceWorker) return;
  const own = document.querySelector('meta[name="build"]')?.getAttribute('content');
  serviceWorker.addEventListener('message', ({ data }) => {
    if (typeof data?.build === 'string' && data.build !== own) tellOfUpdate();
  });
  document.addEventListener('visibilitychange', () => document.hidden || lookForUpdate());
  await isLoaded();
  try {
    registration = await serviceWorker.register('/sw.js');
  } catch {
    // Refused by the settings of the browser, or out of reach: the pages need the server then.
  }
}
