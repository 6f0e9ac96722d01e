/** The controls of the list of documents for members: views, search, filters. */
import { effect } from '@preact/signals';
import { workspacePage } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { STATUSES, TYPES } from '../lib/document-types.js';
import { $, debounced, find, h, setText } from '../lib/dom.js';
import { FILTERS, SORTS, VIEWS, formatListQuery, isFiltered, isFixed, parseListQuery } from '../lib/list-query.js';

/** @import { ListQuery } from '../lib/list-query.js' */
/** @import { Workspace } from '../lib/types.js' */
/** @import { DocumentStore } from '../stores/documents.js' */

const SEARCH_DELAY = 180;
const ARCHIVED = 'This workspace is archived: its documents can be read, not changed.';

const filterField = () => $('filter', HTMLInputElement);
/** @param {string} id */
const labelOf = (id) => /** @type {HTMLElement} */ ($(id).closest('label'));
const views = /** @type {(keyof typeof VIEWS)[]} */ (Object.keys(VIEWS));

export class ListControls {
  /**
   * @param {DocumentStore} store
   * @param {Workspace} workspace
   * @param {Workspace[]} workspaces all of the current user
   */
  constructor(store, workspace, workspaces) {
    this.store = store;
    this.workspace = workspace;
    this.workspaces = workspaces;
  }

  /**
   * Shows another list. The page's address follows, so that the browser's Back button leads back.
   * @param {Partial<ListQuery>} change
   * @param {{ replaced?: boolean }} [options] `replaced`: without an entry in the history
   */
  go(change, { replaced = false } = {}) {
    const query = { ...this.store.query.value, ...change };
    history[replaced ? 'replaceState' : 'pushState'](null, '', workspacePage(this.workspace) + formatListQuery(query));
    return this.store.ask(query);
  }

  clearFilters() {
    return this.go({ type: '', status: '', tag: '', category_id: '', mine: false });
  }

  bind() {
    $('views').hidden = false;
    filterField().placeholder = 'Search titles and text';
    filterField().setAttribute('aria-label', 'Search documents');
    $('views').append(...views.map((view) => this.viewLink(view)));
    for (const name of /** @type {const} */ ([...FILTERS, 'sort'])) {
      const select = $(`by-${name}`, HTMLSelectElement);
      select.addEventListener('change', () => this.go({ [name]: select.value }));
    }
    const mine = $('mine', HTMLInputElement);
    const everywhere = $('everywhere', HTMLInputElement);
    mine.addEventListener('change', () => this.go({ mine: mine.checked }));
    everywhere.addEventListener('change', () => this.go({ everywhere: everywhere.checked }));
    $('clear').addEventListener('click', () => this.clearFilters());
    this.bindSearch();
    addEventListener('popstate', () => {
      const query = parseListQuery(location.search);
      filterField().value = query.q;
      this.store.ask(query);
    });
    effect(() => this.show(this.store.query.value));
  }

  bindSearch() {
    const field = filterField();
    const search = () => {
      const before = this.store.query.value;
      const q = field.value.trim();
      if (q === before.q) return;
      // The history gets one entry for a search, not one for each letter.
      this.go({ q, everywhere: q !== '' && before.everywhere }, { replaced: before.q !== '' });
    };
    field.addEventListener('input', debounced(SEARCH_DELAY, search));
    $('find').addEventListener('submit', (event) => {
      event.preventDefault();
      if (field.value.trim() === this.store.query.value.q) find($('list'), 'a')?.focus();
      else search();
    });
    field.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || field.value === '') return;
      event.preventDefault();
      field.value = '';
      search();
    });
  }

  /** @param {keyof typeof VIEWS} view */
  viewLink(view) {
    const address = workspacePage(this.workspace) + formatListQuery({ ...parseListQuery(''), view });
    return h(
      'a',
      {
        href: address,
        'data-view': view,
        onclick: (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey) return;
          event.preventDefault();
          filterField().value = '';
          this.go({ ...parseListQuery(''), view, sort: this.store.query.value.sort });
        },
      },
      VIEWS[view].label,
    );
  }

  /** Fills the choices of the filters. Tags and categories are those of the workspace. */
  async fill() {
    const nothing = () => ({ items: [] });
    const [tags, categories] = await Promise.all([
      api.tags(this.workspace.id).catch(nothing),
      api.categories(this.workspace.id).catch(nothing),
    ]);
    addOptions('by-type', Object.entries(TYPES));
    addOptions('by-status', Object.entries(STATUSES));
    addOptions('by-sort', Object.entries(SORTS));
    addOptions(
      'by-tag',
      tags.items.map(({ slug, name }) => [slug, name]),
    );
    addOptions(
      'by-category_id',
      categories.items.map(({ id, name }) => [id, name]),
    );
    this.show(this.store.query.value);
  }

  /** @param {ListQuery} query */
  show(query) {
    const { view, q } = query;
    const heading = VIEWS[view].heading;
    setText($('heading'), q ? 'Search' : heading);
    document.title = `${q ? `“${q}”` : heading} · ${this.workspace.name}`;
    this.showDescription(view === 'all' && !q);
    for (const link of /** @type {NodeListOf<HTMLElement>} */ ($('views').querySelectorAll('a'))) {
      if (link.dataset.view === view && !q) {
        link.setAttribute('aria-current', 'page');
        bringIntoRow(link);
      } else link.removeAttribute('aria-current');
    }
    if (document.activeElement !== filterField()) filterField().value = q;
    this.showFilters(query);
  }

  /** @param {boolean} isPlain whether the list shows all documents of the workspace */
  showDescription(isPlain) {
    const { archived_at: archived, description } = this.workspace;
    const text = archived ? ARCHIVED : (isPlain && description) || '';
    setText($('workspace-name'), text);
    /** @type {HTMLElement} */ ($('workspace-name').closest('.where')).hidden = text === '';
  }

  /** @param {ListQuery} query */
  showFilters(query) {
    const isSearch = query.q !== '';
    const isPlain = !isSearch && !isFixed(query.view);
    /** Which filters the request understands. */
    const available = {
      type: isSearch || isPlain,
      tag: isSearch || isPlain,
      status: isPlain,
      category_id: isPlain,
      sort: isPlain,
    };
    for (const name of /** @type {const} */ ([...FILTERS, 'sort'])) {
      const select = $(`by-${name}`, HTMLSelectElement);
      const isEmpty = (name === 'category_id' || name === 'tag') && select.options.length < 2;
      labelOf(`by-${name}`).hidden = !available[name] || isEmpty;
      select.value = query[name];
      if (select.value !== query[name]) select.value = '';
      select.classList.toggle('set', name !== 'sort' && query[name] !== '');
    }
    $('mine', HTMLInputElement).checked = query.mine;
    labelOf('mine').hidden = !isPlain;
    $('everywhere', HTMLInputElement).checked = query.everywhere;
    labelOf('everywhere').hidden = !isSearch || this.workspaces.length < 2;
    $('clear').hidden = !isFiltered(query);
  }
}

/**
 * Scrolls the row of views until `link` is in it. The page itself stays where the reader has scrolled it.
 * @param {HTMLElement} link
 */
function bringIntoRow(link) {
  const row = $('views');
  const { left, right } = row.getBoundingClientRect();
  const inner = link.getBoundingClientRect();
  if (inner.left < left) row.scrollLeft -= Math.ceil(left - inner.left);
  else if (inner.right > right) row.scrollLeft += Math.ceil(inner.right - right);
}

/**
 * @param {string} id of a select
 * @param {string[][]} options values and texts
 */
function addOptions(id, options) {
  $(id, HTMLSelectElement).append(...options.map(([value, text]) => h('option', { value }, text)));
}
