/** The list of documents for members: the rows and their actions, views, search and filters. */
import { effect } from '@preact/signals';
import { h, render } from 'preact';
import { pageOf, signInPage, workspacePage } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { offer } from '../lib/commands.js';
import { mayDelete, titleOf } from '../lib/document-types.js';
import { $, find, setText } from '../lib/dom.js';
import { counted } from '../lib/format.js';
import { memory } from '../lib/identity.js';
import { formatListQuery, isFiltered, isFixed, parseListQuery } from '../lib/list-query.js';
import { PERMISSIONS, PERMISSION_OF_ROLE } from '../lib/permissions.js';
import { RequestError } from '../lib/request.js';
import { documentOf, isHit } from '../stores/documents.js';
import { DocumentList } from './document-list.js';
import { destroyDialog, documentMenu } from './document-menu.js';
import { HitRow, MemberRow, TrashRow } from './document-rows.js';
import { showInvitations } from './invitations.js';
import { ListControls } from './list-controls.js';
import { kindsButton, startDocument } from './new-document.js';
import { showFailure } from './page-header.js';
import { Selection } from './selection.js';
import { toast, tryTo } from './toast.js';
import { bindSwitcher } from './workspace-switcher.js';

/** @import { CurrentUser, Doc, Workspace } from '../lib/types.js' */
/** @import { ListQuery } from '../lib/list-query.js' */
/** @import { LiveEvents } from '../lib/live-events.js' */
/** @import { DocumentStore, Row } from '../stores/documents.js' */

/**
 * @typedef {object} Context
 * @property {CurrentUser} user
 * @property {Workspace} workspace
 * @property {Workspace[]} workspaces all of the current user
 * @property {boolean} mayCreate
 * @property {DocumentStore} store
 * @property {LiveEvents} events
 */

const EMPTY = {
  all: ['No documents', ''],
  recent: ['Nothing opened yet', 'Documents that you open appear here, from all your workspaces.'],
  shared: ['Nothing is shared with you yet', 'Documents that people share with you appear here, from all workspaces.'],
  favourites: ['No favourites yet', 'Click the star beside a document to keep it here.'],
  templates: ['No templates yet', 'Choose “Save as template” in the menu of a document that others should start from.'],
  trash: ['The trash is empty', 'Deleted documents stay here until they are restored or deleted forever.'],
};

class DocumentBrowser {
  /** @param {Context} context */
  constructor(context) {
    this.context = context;
    this.store = context.store;
    this.controls = new ListControls(context.store, context.workspace, context.workspaces);
    this.selection = new Selection(context.store, {
      workspaces: context.workspaces,
      reload: () => this.store.refresh(),
      drop: (id) => this.drop(id),
    });
    /** @type {ListQuery | null} */
    this.announced = null;
    this.store.onError = (error, quiet) => this.onError(error, quiet);
  }

  // ---- actions

  /** @param {Doc} doc */
  async star(doc) {
    const isOn = !doc.is_favourite;
    if ((await tryTo(() => api.setFavourite(doc.id, isOn).then(() => true))) === undefined) return;
    if (this.store.shownQuery.value.view === 'favourites' && !isOn) this.drop(doc.id);
    else this.store.replace({ ...doc, is_favourite: isOn });
    setText($('announcer'), isOn ? 'Added to favourites' : 'Removed from favourites');
  }

  /** @param {Doc} doc */
  async restore(doc) {
    if (!(await tryTo(() => api.restore(doc.id)))) return;
    this.drop(doc.id);
    toast(`“${titleOf(doc)}” was restored.`);
  }

  /** @param {Doc} doc */
  async destroy(doc) {
    if (await destroyDialog(doc)) this.drop(doc.id);
  }

  /**
   * Removes a row. The search field gets the focus where no row is left.
   * @param {string} id
   */
  drop(id) {
    this.store.remove(id);
    if (this.store.items.value.length === 0) $('filter').focus();
  }

  /** @param {Doc} doc */
  menu(doc) {
    const reload = () => this.store.load();
    return [
      this.selection.menuItem(doc),
      /** @type {const} */ ('line'),
      ...documentMenu(doc, {
        workspaces: () => this.context.workspaces,
        changed: (changed) => this.store.replace(changed),
        gone: (id) => this.drop(id),
        back: reload,
        made: reload,
        isShared: this.store.shownQuery.value.view === 'shared',
      }),
    ];
  }

  // ---- rendering

  /** @param {Row} row */
  renderRow(row) {
    const doc = documentOf(row);
    const place = this.placeOf(doc);
    if (isHit(row)) return h(HitRow, { key: doc.id, hit: row, place });
    const select = {
      isOn: this.selection.ids.value.has(doc.id),
      click: (/** @type {MouseEvent} */ event, /** @type {boolean} */ isBox) =>
        this.selection.click(event, doc.id, isBox),
    };
    if (this.store.shownQuery.value.view === 'trash')
      return h(TrashRow, {
        key: doc.id,
        doc,
        select,
        restore: (each) => this.restore(each),
        destroy: mayDelete(doc) ? (each) => this.destroy(each) : null,
      });
    return h(MemberRow, {
      key: doc.id,
      doc,
      select,
      place,
      star: (each) => this.star(each),
      menu: (each) => this.menu(each),
    });
  }

  /**
   * The name of a document's workspace where that is not the one of the list; what the person may do, in the list of what is
   * shared with them.
   * @param {Doc} doc
   */
  placeOf({ workspace_id: id, role }) {
    const { workspace, workspaces } = this.context;
    if (this.store.shownQuery.value.view === 'shared') return PERMISSIONS[PERMISSION_OF_ROLE[role ?? '']];
    return id === workspace.id ? undefined : workspaces.find((each) => each.id === id)?.name;
  }

  /** The title, the text and the buttons that an empty list shows. */
  emptyState() {
    const { workspace, workspaces, mayCreate } = this.context;
    const query = this.store.shownQuery.value;
    const button = (/** @type {string} */ text, /** @type {() => void} */ onClick) =>
      h('button', { class: 'button', type: 'button', onClick }, text);
    if (query.q) {
      const isWider = !query.everywhere && workspaces.length > 1;
      return {
        title: 'Nothing found',
        text: query.everywhere ? 'Try other words, or fewer.' : `No document in ${workspace.name} has these words.`,
        buttons: [
          isWider && button('Search all workspaces', () => this.controls.go({ everywhere: true })),
          mayCreate && button('New document with this title', () => startDocument(workspace, { title: query.q })),
        ],
      };
    }
    if (isFiltered(query) && !isFixed(query.view)) {
      return {
        title: 'Nothing matches these filters',
        text: 'Other documents may be there.',
        buttons: [button('Clear filters', () => this.controls.clearFilters())],
      };
    }
    const [title, text] = EMPTY[query.view];
    return { title, text, buttons: [button('Show all documents', () => this.controls.go(parseListQuery('')))] };
  }

  render() {
    const rows = this.store.items.value;
    const isEmpty = this.store.loaded.value && rows.length === 0 && !this.isFirst();
    return h(
      DocumentList,
      { store: this.store, rows, renderRow: (row) => this.renderRow(row), loadsMore: true },
      isEmpty && this.renderEmpty(),
    );
  }

  renderEmpty() {
    const { title, text, buttons } = this.emptyState();
    return h(
      'div',
      { class: 'blank-slate', id: 'nothing' },
      h('h2', {}, title),
      h('p', {}, text),
      h('div', { class: 'actions centred' }, buttons),
    );
  }

  /** Whether the list shows all documents of the workspace: where it is empty, the workspace has none. */
  isFirst() {
    const query = this.store.shownQuery.value;
    return query.view === 'all' && !query.q && !isFiltered(query);
  }

  /** Shows what stands around the rows. */
  showSurroundings() {
    if (!this.store.loaded.value) return;
    const query = this.store.shownQuery.value;
    const count = this.store.items.value.length;
    const isSearch = query.q !== '';
    $('filters').hidden = (isFixed(query.view) && !isSearch) || (this.isFirst() && count === 0);
    $('empty').hidden = count > 0 || !this.isFirst();
    const more = this.store.cursor.value ? ' and more' : '';
    setText($('found'), isSearch ? `${counted(count, 'document')}${more}` : '');
    document.body.dataset.state = 'ready';
    // Screen readers announce the number of documents of a new search, but no later changes of it.
    if (isSearch && query !== this.announced) setText($('announcer'), $('found').textContent ?? '');
    this.announced = query;
  }

  // ---- loading

  /**
   * @param {unknown} error
   * @param {boolean} quiet
   */
  async onError(error, quiet) {
    if (!(error instanceof RequestError)) throw error;
    if ((await this.isSignedOut(error)) || quiet) return;
    if (!this.store.loaded.value || error.status === 404) showFailure(error, () => this.store.load());
    else toast(error.message);
  }

  /**
   * A person whose session has ended is a guest, for whom the workspace does not exist (404). The sign-in page is opened then.
   * @param {RequestError} error
   */
  async isSignedOut({ status }) {
    if (status !== 404 && status !== 403) return false;
    const user = await api.me().catch(() => null);
    if (user === null || user.kind === 'user') return false;
    location.assign(signInPage());
    return true;
  }

  async start() {
    const { workspace, workspaces, mayCreate } = this.context;
    memory.set('workspace', workspace.id);
    const query = this.store.query.value;
    if (location.pathname === '/') history.replaceState(null, '', workspacePage(workspace) + formatListQuery(query));
    document.body.dataset.member = '';
    bindSwitcher($('bar'), workspace, workspaces);
    if (mayCreate) find(document, '.head [data-create]')?.after(kindsButton(workspace, () => this.store.load()));
    this.controls.bind();
    this.selection.bind();
    offer(() =>
      this.store.items.value.map(documentOf).map((doc) => ({
        label: titleOf(doc),
        group: 'Documents',
        icon: /** @type {const} */ ('document'),
        href: pageOf(doc.address),
      })),
    );
    const List = () => this.render();
    render(h(List, {}), $('results'));
    effect(() => this.showSurroundings());
    await Promise.all([this.store.load(), this.controls.fill(), showInvitations($('views'))]);
  }
}

/** @param {Context} context */
export const showMemberList = (context) => new DocumentBrowser(context).start();
