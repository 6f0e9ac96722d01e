/** The list of documents: what guests see, and the start of the page for everybody. */
import { pageOf, signInPage, typedAddress } from './addresses.js';
import * as api from './api.js';
import { $, debounced, setText } from './dom.js';
import { memory } from './identity.js';
import { startDocument } from './new-document.js';
import { counted } from './prose.js';
import { followPresence } from './presence.js';
import { plainRow } from './rows.js';
import { titleOf } from './kinds.js';
import { enter, showFailure } from './shell.js';

const PAGE = 30;
const REFRESH_EVERY = 20000;

let workspace = null;
let items = [];
let cursor = null;
let loading = false;
let mayCreate = false;

const matches = (wanted) => (wanted
  ? items.filter((doc) => `${titleOf(doc)} ${doc.name ?? ''}`.toLocaleLowerCase('en').includes(wanted))
  : items);

const isAt = (address) => (doc) => doc.address === address || doc.name === address || doc.id === address;

function show() {
  const typed = $('filter').value;
  const wanted = typed.trim().toLocaleLowerCase('en');
  const matching = matches(wanted);
  const focused = document.activeElement?.closest?.('li[data-id]')?.dataset.id;
  $('list').replaceChildren(...matching.map(plainRow));
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

/** The first page again, merged into what is loaded, so that a refresh never shortens the list under the reader. */
function merge(fresh) {
  const known = new Set(fresh.map(({ id }) => id));
  return [...fresh, ...items.filter(({ id }) => !known.has(id))];
}

async function load({ after = null, quiet = false } = {}) {
  if (loading) return;
  loading = true;
  try {
    const page = await api.documents(workspace.id, { cursor: after, limit: PAGE });
    const complete = !after && items.length <= PAGE;
    if (after) items = [...items, ...page.items.filter(({ id }) => !items.some((item) => item.id === id))];
    else items = complete ? page.items : merge(page.items);
    if (after || complete) cursor = page.next_cursor;
    show();
  } catch (error) {
    if (!quiet) showFailure(error);
  } finally {
    loading = false;
  }
}

function showPlayground() {
  setText($('workspace-name'), workspace.name);
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
  const refresh = () => { if (!document.hidden && document.body.dataset.state === 'ready') load({ quiet: true }); };
  document.addEventListener('visibilitychange', refresh);
  addEventListener('pageshow', (event) => { if (event.persisted) refresh(); });
  setInterval(refresh, REFRESH_EVERY);
  followPresence(workspace.id, () => items, show);
  $('filter').addEventListener('input', debounced(600, () => setText($('announcer'), $('found').textContent)));
  return load();
}

function showSignedOut() {
  $('signed-out').hidden = false;
  $('find').hidden = true;
  $('sign-in').href = signInPage();
  document.body.dataset.state = 'ready';
}

const pathSlug = () => {
  const [, slug] = location.pathname.match(/^\/w\/([^/]+)\/?$/) ?? [];
  try {
    return slug && decodeURIComponent(slug);
  } catch {
    return slug;
  }
};

/** Where somebody begins who has chosen nothing yet: with the team, else alone; the playground is everybody's. */
const firstOf = (found) => ['team', 'personal'].map((kind) => found.find((each) => each.kind === kind)).find(Boolean) ?? found[0];

async function start() {
  const who = await enter();
  const { items: found } = await api.workspaces();
  const slug = pathSlug();
  if (slug) workspace = found.find((each) => each.slug === slug || each.id === slug);
  else workspace = found.find((each) => each.id === memory.get('workspace')) ?? firstOf(found) ?? who.default_workspace;
  if (slug && !workspace) {
    showFailure({ status: 404 });
    return;
  }
  if (!workspace) {
    showSignedOut();
    return;
  }
  mayCreate = workspace.can_create && !workspace.archived_at;
  const buttons = document.querySelectorAll('[data-create]');
  buttons.forEach((button) => {
    button.hidden = !mayCreate;
    button.addEventListener('click', async () => {
      buttons.forEach((each) => { each.disabled = true; });
      await startDocument(workspace);
      buttons.forEach((each) => { each.disabled = false; });
    });
  });
  if (who.kind !== 'user') {
    await showPlayground();
    return;
  }
  const { showMemberList } = await import('./member-list.js');
  await showMemberList({ who, workspace, workspaces: found, mayCreate });
}

document.addEventListener('keydown', (event) => {
  if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.activeElement?.matches('input, textarea, select, dialog *')) return;
  event.preventDefault();
  $('filter').focus();
});
start().catch((error) => {
  if (error.status === 401) showSignedOut();
  else showFailure(error);
});
