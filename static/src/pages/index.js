/** The list of documents: finds the workspace, and shows the list for guests or for members. */
import { effect, signal } from '@preact/signals';
import { h, render } from 'preact';
import { DocumentList } from '../components/document-list.js';
import { PlainRow } from '../components/document-rows.js';
import { Icon } from '../components/elements.js';
import { startDocument } from '../components/new-document.js';
import { showFailure, startPage } from '../components/page-header.js';
import { pageOf, signInPage, typedAddress } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { offer } from '../lib/commands.js';
import { titleOf } from '../lib/document-types.js';
import { $, debounced, find, setText } from '../lib/dom.js';
import { counted } from '../lib/format.js';
import { memory } from '../lib/identity.js';
import { checkKeptDocuments } from '../lib/kept-answers.js';
import { parseListQuery } from '../lib/list-query.js';
import { pageEvents } from '../lib/page-events.js';
import { DocumentStore, documentOf } from '../stores/documents.js';
import { PresenceFollower } from '../stores/presence.js';

/** @import { CurrentUser, Doc, Workspace } from '../lib/types.js' */

/** @type {(address: string) => (doc: Doc) => boolean} */
const isAt = (address) => (doc) => doc.address === address || doc.name === address || doc.id === address;

/** @type {(doc: Doc, text: string) => boolean} */
const hasText = (doc, text) => `${titleOf(doc)} ${doc.name ?? ''}`.toLocaleLowerCase('en').includes(text);

/**
 * The list for guests: a filter over the loaded documents, which opens a document by its address too.
 * @param {{ store: DocumentStore, typed: string, mayCreate: boolean }} props
 */
function GuestList({ store, typed, mayCreate }) {
  const rows = matching(store, typed);
  const address = typedAddress(typed);
  const isKnown = rows.some((row) => isAt(address)(documentOf(row)));
  return h(
    DocumentList,
    { store, rows, renderRow: (row) => h(PlainRow, { key: documentOf(row).id, doc: documentOf(row) }) },
    address !== '' &&
      !isKnown &&
      h(
        'a',
        { class: 'open', id: 'open', href: pageOf(address) },
        h('span', {}, mayCreate ? 'Open or create ' : 'Open ', h('b', {}, address)),
        h(Icon, { name: 'arrow' }),
      ),
  );
}

/**
 * @param {DocumentStore} store
 * @param {string} typed
 */
function matching(store, typed) {
  const text = typed.trim().toLocaleLowerCase('en');
  const rows = store.items.value;
  return text ? rows.filter((row) => hasText(documentOf(row), text)) : rows;
}

/**
 * @param {DocumentStore} store
 * @param {Workspace} workspace
 * @param {boolean} mayCreate
 */
function showGuestList(store, workspace, mayCreate) {
  setText($('workspace-name'), workspace.name);
  const filter = $('filter', HTMLInputElement);
  const typed = signal(filter.value);
  const List = () => h(GuestList, { store, typed: typed.value, mayCreate });
  render(h(List, {}), $('results'));
  effect(() => {
    const text = typed.value.trim();
    const isLoaded = store.loaded.value;
    $('empty').hidden = !isLoaded || store.items.value.length > 0 || text !== '';
    const more = store.cursor.value ? ' in those loaded' : '';
    setText($('found'), text ? `${counted(matching(store, text).length, 'document')} found${more}` : '');
    if (isLoaded) document.body.dataset.state = 'ready';
  });
  const announce = debounced(600, () => setText($('announcer'), $('found').textContent));
  filter.addEventListener('input', () => {
    typed.value = filter.value;
    announce();
  });
  $('find').addEventListener('submit', (event) => {
    event.preventDefault();
    const address = typedAddress(filter.value);
    if (!address) return;
    const found = matching(store, filter.value).map(documentOf);
    const meant = found.find(isAt(address)) ?? (found.length === 1 ? found[0] : null);
    if (meant) location.assign(pageOf(meant.address));
    else if (found.length === 0) location.assign(pageOf(address));
    else find($('list'), 'a')?.focus();
  });
}

function showSignedOut() {
  $('signed-out').hidden = false;
  $('find').hidden = true;
  $('sign-in', HTMLAnchorElement).href = signInPage();
  document.body.dataset.state = 'ready';
}

function slugInPath() {
  const [, slug] = location.pathname.match(/^\/w\/([^/]+)\/?$/) ?? [];
  try {
    return slug && decodeURIComponent(slug);
  } catch {
    return slug;
  }
}

/**
 * The workspace to show when none was opened in this browser: a team, else the personal one, else the playground.
 * @param {Workspace[]} workspaces
 */
const firstOf = (workspaces) =>
  workspaces.find(({ kind }) => kind === 'team') ??
  workspaces.find(({ kind }) => kind === 'personal') ??
  workspaces.at(0);

/**
 * @param {CurrentUser} user
 * @param {Workspace[]} workspaces
 */
function chooseWorkspace(user, workspaces) {
  const slug = slugInPath();
  if (slug) return workspaces.find((each) => each.slug === slug || each.id === slug) ?? null;
  const last = workspaces.find((each) => each.id === memory.get('workspace'));
  return last ?? firstOf(workspaces) ?? user.default_workspace ?? null;
}

/**
 * @param {Workspace} workspace
 * @param {boolean} mayCreate
 */
function bindCreateButtons(workspace, mayCreate) {
  const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll('[data-create]'));
  buttons.forEach((button) => {
    button.hidden = !mayCreate;
    button.addEventListener('click', async () => {
      for (const each of buttons) each.disabled = true;
      await startDocument(workspace);
      for (const each of buttons) each.disabled = false;
    });
  });
}

/** @param {CurrentUser} user */
async function show(user) {
  const events = pageEvents();
  const { items: workspaces } = await api.workspaces();
  const workspace = chooseWorkspace(user, workspaces);
  if (!workspace) {
    if (slugInPath()) showFailure({ status: 404 });
    else showSignedOut();
    return;
  }
  const mayCreate = Boolean(workspace.can_create && !workspace.archived_at);
  bindCreateButtons(workspace, mayCreate);
  const isMember = user.kind === 'user';
  const store = new DocumentStore({
    workspace: workspace.id,
    person: user.id,
    query: parseListQuery(isMember ? location.search : ''),
    onError: (error, quiet) => {
      if (!quiet) showFailure(error, () => store.load());
    },
  });
  events.follow(store);
  effect(() => {
    $('offline').hidden = !store.isKept.value;
  });
  addEventListener('online', () => store.refresh());
  events.follow(new PresenceFollower({ workspace: workspace.id, show: (present) => store.showPresence(present) }));
  if (isMember) {
    const { showMemberList } = await import('../components/document-browser.js');
    await showMemberList({ user, workspace, workspaces, mayCreate, store, events });
    checkKeptDocuments(api.document);
  } else {
    showGuestList(store, workspace, mayCreate);
    await store.load();
  }
}

offer(() => [
  {
    label: 'Search the documents',
    group: 'List of documents',
    keys: ['/'],
    icon: 'search',
    act: () => $('filter').focus(),
    isHeard: true,
  },
]);
startPage(show, { whenSignedOut: showSignedOut });
