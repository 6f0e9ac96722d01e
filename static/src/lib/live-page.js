/**
 * Keeps a live public page current. The server says only that the page has changed; the page is fetched again, and its
 * article and table of contents are replaced. The reader's place stays: the first visible block keeps its position.
 */

const GATHER = 300;
const FIRST_WAIT = 2000;
const LONGEST_WAIT = 60000;
/** What is folded away has no place on the screen. */
const BLOCKS = '#article :is(h1, h2, h3, h4, h5, h6, p, li, pre, tr, figure, .formula):not(details *)';

const main = /** @type {HTMLElement} */ (document.getElementById('page'));
const state = /** @type {HTMLElement} */ (document.getElementById('state'));

/** @type {EventSource | null} */
let source = null;
let wait = FIRST_WAIT;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let gathering;
let reading = false;
let again = false;
let over = false;

/**
 * Returns the first block that begins on the screen, with its text, its number among blocks of the same text, and its
 * distance from the top.
 */
function findPlace() {
  const blocks = /** @type {HTMLElement[]} */ ([...main.querySelectorAll(BLOCKS)]);
  const index = blocks.findIndex((block) => block.getBoundingClientRect().top >= 0);
  if (index < 0 || scrollY === 0) return null;
  const text = blocks[index].textContent;
  const alike = blocks.slice(0, index).filter((block) => block.textContent === text).length;
  return { text, alike, index, top: blocks[index].getBoundingClientRect().top };
}

/** @param {ReturnType<typeof findPlace>} place */
function returnTo(place) {
  if (!place) return;
  const blocks = /** @type {HTMLElement[]} */ ([...main.querySelectorAll(BLOCKS)]);
  const same = blocks.filter((block) => block.textContent === place.text);
  const block = same[Math.min(place.alike, same.length - 1)] ?? blocks[Math.min(place.index, blocks.length - 1)];
  if (block) scrollBy({ top: block.getBoundingClientRect().top - place.top, behavior: 'instant' });
}

/** @param {Document} fresh */
function replace(fresh) {
  const article = fresh.querySelector('#page article');
  const present = main.querySelector('article');
  if (!article || !present) return;
  const place = findPlace();
  const focused = document.activeElement?.closest('#page') ? document.activeElement.getAttribute('href') : null;
  const open = present.querySelector('#contents details')?.hasAttribute('open');
  if (open) article.querySelector('#contents details')?.setAttribute('open', '');
  if (article.isEqualNode(present)) return;
  const listed = present.querySelector('#contents details')?.scrollTop ?? 0;
  present.replaceWith(document.adoptNode(article));
  document.title = fresh.title;
  main.querySelector('#contents details')?.scrollTo({ top: listed, behavior: 'instant' });
  returnTo(place);
  if (focused) {
    const link = [...main.querySelectorAll('a')].find((each) => each.getAttribute('href') === focused);
    link?.focus({ preventScroll: true });
  }
}

/** @param {string} words */
function end(words) {
  over = true;
  disconnect();
  state.textContent = words;
}

async function read() {
  if (reading) {
    again = true;
    return;
  }
  reading = true;
  try {
    const answer = await fetch(location.pathname, { cache: 'no-cache', headers: { accept: 'text/html' } });
    if (answer.status === 404) {
      end('This page is no longer public.');
    } else if (answer.ok) {
      const fresh = new DOMParser().parseFromString(await answer.text(), 'text/html');
      replace(fresh);
      if (!fresh.querySelector('#page[data-events]')) end('');
    }
  } catch {
    // The stream tells when the server is back.
  }
  reading = false;
  if (again && !over) {
    again = false;
    void read();
  }
}

function changed() {
  clearTimeout(gathering);
  // Readers of a page do not all ask at the same moment.
  gathering = setTimeout(() => void read(), GATHER * (1 + Math.random()));
}

function disconnect() {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function connect() {
  disconnect();
  if (over || document.hidden) return;
  const opened = new EventSource(/** @type {string} */ (main.dataset.events));
  source = opened;
  opened.addEventListener('changed', () => {
    wait = FIRST_WAIT;
    main.dataset.live = 'yes';
    changed();
  });
  opened.addEventListener('end', () => void read());
  const retry = () => {
    if (source !== opened) return;
    disconnect();
    timer = setTimeout(connect, wait * (1 + Math.random()));
    wait = Math.min(2 * wait, LONGEST_WAIT);
  };
  opened.addEventListener('close', retry);
  opened.addEventListener('error', retry);
}

document.addEventListener('visibilitychange', connect);
addEventListener('pagehide', disconnect);
addEventListener('pageshow', (event) => {
  if (event.persisted) connect();
});
connect();
