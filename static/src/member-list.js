/** The list of documents for people with an account: views, search, filters, and what can be done to each row. */
import * as api from './api.js';
import { signInPage, workspacePage } from './addresses.js';
import { $, debounced, h, setText } from './dom.js';
import { destroyDialog, documentMenu } from './document-actions.js';
import { memory } from './identity.js';
import { STATUSES, TYPES, mayDelete, titleOf } from './kinds.js';
import { FILTERS, SORTS, VIEWS, filtered, requestFor, searchOf, wantedIn } from './list-source.js';
import { kindsButton, startDocument } from './new-document.js';
import { followPresence } from './presence.js';
import { counted } from './prose.js';
import { request } from './request.js';
import { foundRow, memberRow, trashRow } from './rows.js';
import { showFailure } from './shell.js';
import { bindSwitcher } from './switcher.js';
import { showInvitations } from './own-invitations.js';
import { toast, tryTo } from './toast.js';

const PAGE = 30;
const REFRESH_EVERY = 20000;

let context; // {who, workspace, workspaces, mayCreate}
let wanted;
let items = [];
let cursor = null;
let asking = 0; // the number of the newest request: answers to older ones are dropped

const idOf = (item) => (item.document ?? item).id;
const placeOf = ({ workspace_id: id }) =>
  (id === context.workspace.id ? null : context.workspaces.find((each) => each.id === id)?.name);

// ---- rows

const replace = (doc) => {
  items = items.map((item) => (item.id === doc.id ? { ...item, ...doc } : item));
  show();
};
function drop(id) {
  const at = items.findIndex((item) => idOf(item) === id);
  items = items.filter((item) => idOf(item) !== id);
  show();
  const rows = $('list').children;
  (rows[Math.min(at, rows.length - 1)]?.querySelector('a, button') ?? $('filter')).focus();
}

async function star(doc) {
  const on = !doc.is_favourite;
  if ((await tryTo(async () => (await api.setFavourite(doc.id, on), true))) === undefined) return;
  if (wanted.view === 'favourites' && !on) drop(doc.id);
  else replace({ ...doc, is_favourite: on });
  setText($('announcer'), on ? 'Added to favourites' : 'Removed from favourites');
}

const menu = (doc) => documentMenu(doc, {
  workspaces: () => context.workspaces, changed: replace, gone: drop, back: () => load(), made: () => load(),
});

const inTrash = {
  async restore(doc) {
    if (!(await tryTo(() => api.restore(doc.id)))) return;
    drop(doc.id);
    toast(`“${titleOf(doc)}” was restored.`);
  },
  async destroy(doc) { if (await destroyDialog(doc)) drop(doc.id); },
};

function row(item) {
  if (item.snippet !== undefined) return foundRow(item, placeOf(item.document));
  if (wanted.view === 'trash') return trashRow(item, { ...inTrash, destroy: mayDelete(item) ? inTrash.destroy : null });
  return memberRow(item, { star, menu, place: placeOf(item) });
}

// ---- empty states

const EMPTY = {
  recent: ['Nothing opened yet', 'Documents that you open appear here, from all your workspaces.'],
  favourites: ['No favourites yet', 'The star beside a document keeps it here, one click away.'],
  templates: ['No templates yet', 'Choose “Save as template” in the menu of a document that others should start from.'],
  trash: ['The trash is empty', 'What is thrown away waits here until it is restored or deleted forever.'],
};

function emptyState() {
  if (wanted.q) {
    return ['Nothing found', wanted.everywhere ? 'Try other words, or fewer.' : `No document in ${context.workspace.name} has these words.`, [
      !wanted.everywhere && context.workspaces.length > 1
        && h('button', { class: 'button', type: 'button', onclick: () => go({ everywhere: true }) }, 'Search all workspaces'),
      context.mayCreate
        && h('button', { class: 'button', type: 'button', onclick: () => startDocument(context.workspace, { title: wanted.q }) }, 'New document with this title'),
    ]];
  }
  if (filtered(wanted) && wanted.view !== 'recent') {
    return ['Nothing matches these filters', 'Other documents may be there.', [
      h('button', { class: 'button', type: 'button', onclick: clearFilters }, 'Clear filters')]];
  }
  return [...EMPTY[wanted.view], []];
}

function show() {
  const focused = document.activeElement?.closest?.('li[data-id]');
  const which = focused && [...focused.querySelectorAll('a, button')].indexOf(document.activeElement);
  $('list').replaceChildren(...items.map(row));
  if (focused) [...($('list').querySelector(`li[data-id="${CSS.escape(focused.dataset.id)}"]`)?.querySelectorAll('a, button') ?? [])][which]?.focus();
  $('list').hidden = items.length === 0;
  const first = wanted.view === 'all' && !wanted.q && !filtered(wanted);
  $('filters').hidden = (wanted.view === 'recent' && !wanted.q) || (first && items.length === 0);
  $('empty').hidden = items.length > 0 || !first;
  $('nothing').hidden = items.length > 0 || first;
  if (!$('nothing').hidden) {
    const [title, text, buttons] = emptyState();
    $('nothing').replaceChildren(h('h2', {}, title), h('p', {}, text), h('div', { class: 'actions centred' }, ...buttons.filter(Boolean)));
  }
  $('more').hidden = !cursor;
  setText($('found'), wanted.q ? `${counted(items.length, 'document')}${cursor ? ' and more' : ''}` : '');
  document.body.dataset.state = 'ready';
}

// ---- loading

/** To guests, whom a session that ended leaves behind, workspaces are not there (404): they are led to the sign-in page. */
async function signedOut({ status }) {
  if (status !== 404 && status !== 403) return false;
  const who = await api.me().catch(() => null);
  if (who === null || who.kind === 'user') return false;
  location.assign(signInPage());
  return true;
}

async function load({ after = null, quiet = false } = {}) {
  const number = asking += 1;
  const { path, query } = requestFor(wanted, { workspace: context.workspace.id, person: context.who.id });
  try {
    const page = await request(path, { query: { ...query, cursor: after, limit: after || quiet ? PAGE : Math.max(PAGE, Math.min(items.length, 200)) } });
    if (number !== asking) return;
    const fresh = page.items.map((item) => (item.document && item.snippet === undefined ? { ...item.document, ...item, document: undefined } : item));
    const seen = new Set(fresh.map(idOf));
    if (after) items = [...items, ...fresh.filter((item) => !items.some((old) => idOf(old) === idOf(item)))];
    else if (quiet && items.length > PAGE) items = [...fresh, ...items.filter((item) => !seen.has(idOf(item)))];
    else items = fresh;
    if (after || !quiet || items.length <= PAGE) cursor = page.next_cursor;
    show();
    if (wanted.q && !quiet) setText($('announcer'), $('found').textContent);
  } catch (error) {
    if (number !== asking || (await signedOut(error)) || quiet) return;
    if (document.body.dataset.state === 'loading' || error.status === 404) showFailure(error);
    else toast(error.message);
  }
}

/** Shows another list; the page's address follows, so that Back leads back. */
function go(change, { replaced = false } = {}) {
  wanted = { ...wanted, ...change };
  history[replaced ? 'replaceState' : 'pushState'](null, '', workspacePage(context.workspace) + searchOf(wanted));
  items = [];
  cursor = null;
  showControls();
  return load();
}

// ---- controls

function clearFilters() {
  return go({ ...Object.fromEntries(FILTERS.map((name) => [name, ''])), mine: false });
}

const linkTo = (view) => workspacePage(context.workspace) + searchOf({ ...wantedIn(''), view });

function showControls() {
  const { view, q } = wanted;
  setText($('heading'), q ? 'Search' : VIEWS[view].heading);
  const { archived_at: archived, description } = context.workspace;
  const plain = view === 'all' && !q ? description ?? '' : '';
  setText($('workspace-name'), archived ? 'This workspace is archived: its documents can be read, not changed.' : plain);
  $('workspace-name').closest('.where').hidden = $('workspace-name').textContent === '';
  document.title = `${q ? `“${q}”` : VIEWS[view].heading} · ${context.workspace.name}`;
  $('views').replaceChildren(...Object.entries(VIEWS).map(([key, { label }]) => h('a', {
    href: linkTo(key), 'aria-current': key === view && !q ? 'page' : null,
    onclick: (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      $('filter').value = '';
      go({ ...wantedIn(''), view: key, sort: wanted.sort });
      $('views').querySelector('[aria-current]')?.focus();
    },
  }, label)));
  $('views').querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'nearest' });
  if (document.activeElement !== $('filter')) $('filter').value = q;
  const searching = q !== '';
  const available = { type: view !== 'recent' || searching, tag: view !== 'recent' || searching, status: !searching && view !== 'recent', category_id: !searching && view !== 'recent', sort: !searching && view !== 'recent' };
  for (const [name, shown] of Object.entries(available)) {
    const select = $(`by-${name}`);
    select.closest('label').hidden = !shown || (name === 'category_id' && select.options.length < 2) || (name === 'tag' && select.options.length < 2);
    select.value = wanted[name];
    if (select.value !== wanted[name]) select.value = '';
    select.classList.toggle('set', name !== 'sort' && wanted[name] !== '');
  }
  $('mine').checked = wanted.mine;
  $('mine').closest('label').hidden = searching || view === 'recent';
  $('everywhere').checked = wanted.everywhere;
  $('everywhere').closest('label').hidden = !searching || context.workspaces.length < 2;
  $('clear').hidden = !filtered(wanted);
}

const option = (value, text) => h('option', { value }, text);

async function fillFilters() {
  $('by-type').append(...Object.entries(TYPES).map(([key, text]) => option(key, text)));
  $('by-status').append(...Object.entries(STATUSES).map(([key, text]) => option(key, text)));
  $('by-sort').append(...Object.entries(SORTS).map(([key, text]) => option(key, text)));
  const { id } = context.workspace;
  const [tags, categories] = await Promise.all([api.tags(id), api.categories(id)].map((asked) => asked.catch(() => ({ items: [] }))));
  $('by-tag').append(...tags.items.map(({ slug, name }) => option(slug, name)));
  $('by-category_id').append(...categories.items.map(({ id: key, name }) => option(key, name)));
  showControls();
}

function bindControls() {
  for (const name of [...FILTERS, 'sort']) $(`by-${name}`).addEventListener('change', (event) => go({ [name]: event.target.value }));
  $('mine').addEventListener('change', ({ target }) => go({ mine: target.checked }));
  $('everywhere').addEventListener('change', ({ target }) => go({ everywhere: target.checked }));
  $('clear').addEventListener('click', clearFilters);
  const search = () => {
    const q = $('filter').value.trim();
    if (q === wanted.q) return;
    // One entry in the history per search, not one per letter.
    go({ q, everywhere: q !== '' && wanted.everywhere }, { replaced: wanted.q !== '' });
  };
  $('filter').addEventListener('input', debounced(180, search));
  $('find').addEventListener('submit', (event) => {
    event.preventDefault();
    if ($('filter').value.trim() === wanted.q) $('list').querySelector('a')?.focus();
    else search();
  });
  $('filter').addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || $('filter').value === '') return;
    event.preventDefault();
    $('filter').value = '';
    search();
  });
  addEventListener('popstate', () => {
    wanted = wantedIn(location.search);
    $('filter').value = wanted.q;
    items = [];
    showControls();
    load();
  });
  const more = async (refocus) => {
    if (!cursor || $('more').disabled) return;
    const before = items.length;
    $('more').disabled = true;
    await load({ after: cursor });
    $('more').disabled = false;
    if (refocus) $('list').children[before]?.querySelector('a')?.focus();
  };
  $('more').addEventListener('click', () => more(true));
  new IntersectionObserver(([{ isIntersecting: near }]) => { if (near) more(false); }, { rootMargin: '400px' }).observe($('more'));
  const refresh = () => {
    if (!document.hidden && document.body.dataset.state === 'ready' && !document.querySelector('dialog, .menu')) load({ quiet: true });
  };
  document.addEventListener('visibilitychange', refresh);
  addEventListener('pageshow', (event) => { if (event.persisted) refresh(); });
  setInterval(refresh, REFRESH_EVERY);
  const ofThisWorkspace = () => items.filter((item) => item.workspace_id === context.workspace.id && wanted.view !== 'trash');
  followPresence(context.workspace.id, ofThisWorkspace, () => { if (!document.querySelector('dialog, .menu')) show(); });
}

function showWorkspace() {
  const { workspace } = context;
  bindSwitcher($('bar'), workspace, context.workspaces);
  $('filter').placeholder = 'Search titles and text';
  $('filter').setAttribute('aria-label', 'Search documents');
  if (context.mayCreate) document.querySelector('.head [data-create]').after(kindsButton(workspace, () => load()));
}

/** @param {{who: object, workspace: object, workspaces: object[], mayCreate: boolean}} found */
export async function showMemberList(found) {
  context = found;
  wanted = wantedIn(location.search);
  memory.set('workspace', context.workspace.id);
  if (location.pathname === '/') history.replaceState(null, '', workspacePage(context.workspace) + searchOf(wanted));
  document.body.dataset.member = '';
  $('views').hidden = false;
  showWorkspace();
  bindControls();
  showControls();
  await Promise.all([load(), fillFilters(), showInvitations($('views'))]);
}
