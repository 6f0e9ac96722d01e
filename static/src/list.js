/** The list of documents. */
import { pageOf, typedAddress } from './addresses.js';
import * as api from './api.js';
import { $, debounced, h, setText } from './dom.js';
import { memory } from './identity.js';
import { ago, counted } from './prose.js';
import { bindThemeButton } from './theme.js';

const PAGE = 30;
const REFRESH_EVERY = 20000;

let workspace = null;
let items = [];
let cursor = null;
let loading = false;
let mayCreate = false;

const titleOf = ({ title, name }) => title || name || 'Untitled';

const clock = (iso) => {
  const at = new Date(iso);
  const full = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' }).format(at);
  return h('time', { datetime: iso, title: full }, ago(at.getTime(), Date.now()));
};

const presence = (people) => people > 0 && h('span', { class: 'here' }, `${people} here now`);

/** The server reads the text of a document when its room is quiet; until then it may have text, but no excerpt. */
const blank = ({ word_count: words }) => (words === null ? 'No preview yet' : 'Nothing written yet');

function row(doc) {
  const words = doc.word_count ?? null;
  return h('li', { 'data-id': doc.id }, h('a', { class: 'row', href: pageOf(doc.address) },
    h('span', { class: 'row-title' }, titleOf(doc)),
    h('span', { class: doc.excerpt ? 'row-excerpt' : 'row-excerpt blank' }, doc.excerpt || blank(doc)),
    h('span', { class: 'row-meta' },
      presence(doc.people),
      clock(doc.last_edited_at ?? doc.created_at),
      words !== null && h('span', {}, counted(words, 'word')))));
}

const matches = (wanted) => (wanted
  ? items.filter((doc) => `${titleOf(doc)} ${doc.name ?? ''}`.toLocaleLowerCase('en').includes(wanted))
  : items);

const isAt = (address) => (doc) => doc.address === address || doc.name === address || doc.id === address;

function show() {
  const typed = $('filter').value;
  const wanted = typed.trim().toLocaleLowerCase('en');
  const matching = matches(wanted);
  const focused = document.activeElement?.closest?.('li[data-id]')?.dataset.id;
  $('list').replaceChildren(...matching.map(row));
  if (focused) $('list').querySelector(`li[data-id="${CSS.escape(focused)}"] a`)?.focus();
  $('list').hidden = matching.length === 0;
  $('empty').hidden = items.length > 0 || wanted !== '';
  const address = typedAddress(typed);
  $('open').hidden = address === '' || matching.some(isAt(address));
  $('open').href = pageOf(address);
  setText($('open-verb'), mayCreate ? 'Open or create' : 'Open');
  setText($('open-name'), address);
  $('more').hidden = !cursor;
  setText($('found'), wanted ? `${counted(matching.length, 'document')} found${cursor ? ' in those loaded' : ''}` : '');
  document.body.dataset.state = 'ready';
}

function showFailure(error) {
  $('failure').hidden = false;
  setText($('failure-text'), error.status === 0 ? 'The server cannot be reached. Check your connection.' : error.message);
  document.body.dataset.state = 'failed';
}

function showSignedOut() {
  $('signed-out').hidden = false;
  $('find').hidden = true;
  document.body.dataset.state = 'ready';
}

/** The first page again, merged into what is loaded, so that a refresh never shortens the list under the reader. */
function merge(fresh) {
  const known = new Set(fresh.map(({ id }) => id));
  return [...fresh, ...items.filter(({ id }) => !known.has(id))];
}

async function load({ after = null, quiet = false } = {}) {
  if (loading || !workspace) return;
  loading = true;
  try {
    const page = await api.documents(workspace.id, { cursor: after, limit: PAGE });
    const complete = !after && items.length <= PAGE;
    if (after) items = [...items, ...page.items.filter(({ id }) => !items.some((item) => item.id === id))];
    else items = complete ? page.items : merge(page.items);
    if (after || complete) cursor = page.next_cursor;
    $('failure').hidden = true;
    show();
  } catch (error) {
    if (!quiet) showFailure(error);
  } finally {
    loading = false;
  }
}

async function create() {
  const buttons = document.querySelectorAll('[data-create]');
  buttons.forEach((button) => { button.disabled = true; });
  try {
    const doc = await api.createDocument(workspace.id, 'Untitled', 'markdown');
    location.assign(`${pageOf(doc.address)}#new`);
  } catch (error) {
    setText($('create-failure'), `The document could not be created. ${error.message}`);
    $('create-failure').hidden = false;
  } finally {
    buttons.forEach((button) => { button.disabled = false; });
  }
}

async function chooseWorkspace(first) {
  const { items: found } = await api.workspaces();
  workspace = found.find(({ id }) => id === memory.get('workspace')) ?? found.find(({ id }) => id === first?.id) ?? first ?? found[0];
  const select = $('workspace');
  const label = select.closest('label');
  if (found.length < 2) {
    setText($('workspace-name'), workspace?.name ?? '');
    label.hidden = true;
    return;
  }
  label.hidden = false;
  select.replaceChildren(...found.map(({ id, name }) => h('option', { value: id, selected: id === workspace.id }, name)));
  select.onchange = () => {
    workspace = found.find(({ id }) => id === select.value);
    memory.set('workspace', workspace.id);
    items = [];
    document.body.dataset.state = 'loading';
    load();
  };
}

async function start() {
  document.body.dataset.state = 'loading';
  $('failure').hidden = true;
  try {
    const who = await api.me();
    mayCreate = who.can_create;
    await chooseWorkspace(who.default_workspace);
    document.querySelectorAll('[data-create]').forEach((button) => { button.hidden = !mayCreate; });
    if (!workspace) {
      showSignedOut();
      return;
    }
  } catch (error) {
    if (error.status === 401) showSignedOut();
    else showFailure(error);
    return;
  }
  await load();
}

bindThemeButton($('theme'));
document.querySelectorAll('[data-create]').forEach((button) => button.addEventListener('click', create));
$('filter').addEventListener('input', show);
$('find').addEventListener('submit', (event) => {
  event.preventDefault();
  const address = typedAddress($('filter').value);
  if (!address) return;
  const matching = matches($('filter').value.trim().toLocaleLowerCase('en'));
  const meant = matching.find(isAt(address)) ?? (matching.length === 1 ? matching[0] : null);
  if (meant) location.assign(pageOf(meant.address));
  else if (matching.length === 0) location.assign(pageOf(address));
  else $('list').querySelector('a').focus();
});
$('more').addEventListener('click', async () => {
  const before = items.length;
  await load({ after: cursor });
  $('list').children[before]?.querySelector('a')?.focus();
});
$('retry').addEventListener('click', () => (workspace ? load() : start()));
const refresh = () => { if (!document.hidden && document.body.dataset.state === 'ready') load({ quiet: true }); };
document.addEventListener('visibilitychange', refresh);
addEventListener('pageshow', (event) => { if (event.persisted) refresh(); });
setInterval(refresh, REFRESH_EVERY);
const filterLater = debounced(600, () => setText($('announcer'), $('found').textContent));
$('filter').addEventListener('input', filterLater);
document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.activeElement?.matches('input, textarea, select')) return;
  event.preventDefault();
  $('filter').focus();
});
start();
