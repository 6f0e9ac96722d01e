/** The documents that are selected in a list: by their boxes, by clicks with Shift or Ctrl, and by keys. */
import { computed, effect, signal } from '@preact/signals';
import { bring } from '../lib/bring.js';
import { offer } from '../lib/commands.js';
import { find } from '../lib/dom.js';
import { documentOf } from '../stores/documents.js';

/** @import { Command } from '../lib/commands.js' */
/** @import { Doc } from '../lib/types.js' */
/** @import { DocumentStore } from '../stores/documents.js' */
/** @import { BulkContext } from './selection-bar.js' */

const touch = matchMedia('(pointer: coarse)');
const GROUP = 'List of documents';

/** The row of the list that has the focus. */
const focusedRow = () =>
  /** @type {HTMLElement | null} */ (document.activeElement?.closest('#list > li[data-id]') ?? null);

export class Selection {
  /**
   * @param {DocumentStore} store
   * @param {BulkContext} context
   */
  constructor(store, context) {
    this.store = store;
    this.context = context;
    /** @type {import('@preact/signals').Signal<ReadonlySet<string>>} */
    this.ids = signal(new Set());
    /** The row from which a range is selected. */
    this.anchor = '';
    /** The selected documents that are in the list, in its order. */
    this.docs = computed(() => store.items.value.map(documentOf).filter(({ id }) => this.ids.value.has(id)));
    /** @type {Command[]} */
    this.actions = [];
  }

  /** Listens for keys, and shows what can be done with the documents while some are selected. */
  bind() {
    offer(() => [...this.keys(), ...(this.docs.value.length > 0 ? this.actions : [])]);
    // Another list has other documents.
    effect(() => {
      void this.store.shownQuery.value;
      this.clear();
    });
    let isComing = false;
    effect(() => {
      const isAny = this.docs.value.length > 0;
      document.body.toggleAttribute('data-selecting', isAny);
      if (!isAny || isComing) return;
      isComing = true;
      bring(() => import('./selection-bar.js')).then(({ showSelectionBar }) => showSelectionBar(this));
    });
  }

  /** @param {string} id */
  toggle(id) {
    const ids = new Set(this.ids.value);
    if (!ids.delete(id)) ids.add(id);
    this.anchor = id;
    this.ids.value = ids;
  }

  /** Selects all rows from the one that was selected last. @param {string} id */
  extendTo(id) {
    const order = this.store.items.value.map((row) => documentOf(row).id);
    const [from, to] = [order.indexOf(this.anchor), order.indexOf(id)];
    if (from < 0) {
      this.toggle(id);
      return;
    }
    this.ids.value = new Set([...this.ids.value, ...order.slice(Math.min(from, to), Math.max(from, to) + 1)]);
  }

  all() {
    this.ids.value = new Set(this.store.items.value.map((row) => documentOf(row).id));
  }

  clear() {
    if (this.ids.peek().size > 0) this.ids.value = new Set();
  }

  /**
   * A click on a row or its box.
   * @param {MouseEvent} event
   * @param {string} id
   * @param {boolean} isBox
   */
  click(event, id, isBox) {
    const isAny = this.docs.value.length > 0;
    // On a link, these keys open another tab or window as everywhere, until something is selected.
    const selects = isBox || (isAny && (event.shiftKey || event.ctrlKey || event.metaKey || touch.matches));
    if (!selects) return;
    if (!isBox) event.preventDefault();
    if (event.shiftKey) this.extendTo(id);
    else this.toggle(id);
  }

  /** @returns {Command[]} */
  keys() {
    const row = focusedRow();
    const id = row?.dataset.id ?? '';
    const isAny = this.docs.value.length > 0;
    const isHeard = row !== null;
    /** @param {'nextElementSibling' | 'previousElementSibling'} way @param {boolean} extends_ */
    const go = (way, extends_) => {
      const other = row ? row[way] : document.querySelector('#list > li');
      if (!(other instanceof HTMLElement) || !other.dataset.id) return;
      if (extends_) {
        if (!this.ids.value.has(id)) this.toggle(id);
        this.anchor = id;
        this.extendTo(other.dataset.id);
      }
      (find(other, 'a.row') ?? find(other, 'input'))?.focus();
    };
    const shared = { group: GROUP, isQuiet: true };
    return [
      { ...shared, label: 'Next document', keys: ['j'], act: () => go('nextElementSibling', false), isHeard: true },
      { ...shared, label: 'Previous document', keys: ['k'], act: () => go('previousElementSibling', false), isHeard },
      { ...shared, label: 'Select the document', keys: ['x'], act: () => this.toggle(id), isHeard },
      {
        ...shared,
        label: 'Select the next one, too',
        keys: ['Shift+ArrowDown'],
        act: () => go('nextElementSibling', true),
        isHeard,
      },
      {
        ...shared,
        label: 'Select the one before, too',
        keys: ['Shift+ArrowUp'],
        act: () => go('previousElementSibling', true),
        isHeard,
      },
      {
        ...shared,
        label: 'Select all that are loaded',
        keys: ['Ctrl+A'],
        act: () => this.all(),
        isHeard: isHeard || isAny,
        isQuiet: false,
        icon: 'tasks',
      },
      { ...shared, label: 'Select nothing', keys: ['Escape'], act: () => this.clear(), isHeard: isAny },
    ];
  }

  /** Entry of a row's menu. @param {Doc} doc */
  menuItem(doc) {
    return {
      label: this.ids.value.has(doc.id) ? 'Deselect' : 'Select',
      icon: /** @type {const} */ ('tasks'),
      act: () => this.toggle(doc.id),
    };
  }
}
