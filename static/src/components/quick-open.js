/** Opens a document by a few letters of its title: Ctrl-K or Cmd-K. */
import { pageOf } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { debounced, h, setText } from '../lib/dom.js';
import { icon } from './icons.js';
import { counted } from '../lib/format.js';
import { messageOf } from '../lib/request.js';

/** @import { Doc } from '../lib/types.js' */

const SHOWN = 8;
const mac = /Mac|iPhone|iPad/.test(navigator.platform);
/** @type {HTMLDialogElement | null} */
let opened = null;

/**
 * @param {Doc} doc
 * @param {number} index
 */
const option = (doc, index) =>
  h(
    'a',
    {
      role: 'option',
      id: `quick-${index}`,
      'aria-selected': 'false',
      href: pageOf(doc.address),
      tabindex: '-1',
    },
    icon('document'),
    h('span', {}, doc.title || 'Untitled'),
  );

/** Opens the dialog; a second call closes it. */
export function openQuick() {
  if (opened) {
    opened.close();
    return;
  }
  const list = h('div', { role: 'listbox', id: 'quick-list', 'aria-label': 'Documents' });
  const said = h('p', { class: 'quick-said', role: 'status' });
  const input = h('input', {
    type: 'text',
    role: 'combobox',
    'aria-label': 'Go to document',
    'aria-expanded': 'true',
    'aria-controls': 'quick-list',
    'aria-autocomplete': 'list',
    placeholder: 'Go to a document…',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  const dialog = h(
    'dialog',
    { class: 'quick', 'aria-label': 'Go to document' },
    h('div', { class: 'quick-box' }, icon('search'), input),
    list,
    said,
  );
  let at = 0;
  const choose = (/** @type {number} */ index) => {
    const options = [...list.children];
    if (options.length === 0) return;
    at = (index + options.length) % options.length;
    options.forEach((each, position) => each.setAttribute('aria-selected', String(position === at)));
    input.setAttribute('aria-activedescendant', `quick-${at}`);
    options[at].scrollIntoView({ block: 'nearest' });
  };
  const find = async () => {
    const asked = input.value.trim();
    try {
      const found = asked
        ? await api.searchTitles({ q: asked, limit: SHOWN })
        : await api.recentDocuments({ limit: SHOWN });
      if (asked !== input.value.trim() || !dialog.isConnected) return;
      list.replaceChildren(...found.items.slice(0, SHOWN).map((item, index) => option(item.document ?? item, index)));
      list.hidden = found.items.length === 0;
      input.removeAttribute('aria-activedescendant');
      if (found.items.length === 0)
        setText(said, asked ? 'No document has this title' : 'Documents that you open appear here');
      else setText(said, asked ? `${counted(list.children.length, 'document')} found` : 'Opened lately');
      choose(0);
    } catch (error) {
      setText(said, messageOf(error));
    }
  };
  input.addEventListener('input', debounced(120, find));
  input.addEventListener('keydown', (event) => {
    if (event.key === 'ArrowDown') choose(at + 1);
    else if (event.key === 'ArrowUp') choose(at - 1);
    else if (event.key === 'Enter') /** @type {HTMLElement | undefined} */ (list.children[at])?.click();
    else return;
    event.preventDefault();
  });
  dialog.addEventListener('pointerdown', ({ target }) => {
    if (target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    opened = null;
  });
  document.body.append(dialog);
  opened = dialog;
  dialog.showModal();
  input.focus();
  find();
}

/** Opens the dialog by the keys. */
export function listenForQuick() {
  document.addEventListener(
    'keydown',
    (event) => {
      if (event.key.toLowerCase() !== 'k' || event.shiftKey || event.altKey || !(mac ? event.metaKey : event.ctrlKey))
        return;
      // In a text that takes links it makes one.
      if (event.target instanceof Element && event.target.closest('[data-takes-links]')) return;
      event.preventDefault();
      event.stopPropagation();
      openQuick();
    },
    true,
  );
}

/**
 * Puts a button for the dialog before `next`, and listens for the keys.
 * @param {HTMLElement} next
 */
export function bindQuick(next) {
  next.before(
    h(
      'button',
      {
        class: 'quick-button',
        type: 'button',
        title: 'Go to document',
        onclick: openQuick,
      },
      icon('search'),
      h('span', {}, 'Go to…'),
      h('span', { class: 'visually-hidden' }, ' a document '),
      h('kbd', {}, mac ? '⌘K' : 'Ctrl K'),
    ),
  );
  listenForQuick();
}
