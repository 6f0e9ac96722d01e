/** Find and replace in rich text. */
import { Plugin, PluginKey, TextSelection } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';
import { icon } from '../../../components/icons.js';
import { h, setText } from '../../../lib/dom.js';
import { findIn } from './finding.js';

/** @import { Editor } from '@tiptap/core' */
/** @import { Node } from '@tiptap/pm/model' */

/** @typedef {{ from: number, to: number }} Range */
/** @type {PluginKey<{ found: Range[], at: number }>} */
const KEY = new PluginKey('find');

/**
 * @param {Node} doc
 * @param {string} wanted
 * @param {boolean} cased
 * @returns {Range[]}
 */
function ranges(doc, wanted, cased) {
  /** @type {Range[]} */
  const found = [];
  doc.descendants((node, at) => {
    if (!node.isTextblock) return true;
    const text = node.textBetween(0, node.content.size, undefined, '\ufffc');
    for (const [from, to] of findIn(text, wanted, cased)) found.push({ from: at + 1 + from, to: at + 1 + to });
    return false;
  });
  return found;
}

/** @param {Editor} editor */
export function finder(editor) {
  const wanted = h('input', {
    type: 'search',
    class: 'finder-field',
    'aria-label': 'Find',
    placeholder: 'Find',
    autocomplete: 'off',
  });
  const other = h('input', {
    type: 'text',
    class: 'finder-field',
    'aria-label': 'Replace with',
    placeholder: 'Replace with',
    autocomplete: 'off',
  });
  const cased = h(
    'button',
    { class: 'tool wide', type: 'button', 'aria-pressed': 'false', title: 'Match case', 'aria-label': 'Match case' },
    'Aa',
  );
  const count = h('span', { class: 'finder-count', role: 'status' });
  const tool = (
    /** @type {string} */ label,
    /** @type {Node | SVGElement | string} */ content,
    /** @type {() => void} */ act,
  ) =>
    h(
      'button',
      {
        class: typeof content === 'string' ? 'button small' : 'tool',
        type: 'button',
        'aria-label': label,
        title: label,
        onclick: act,
      },
      /** @type {any} */ (content),
    );
  const replace = h(
    'div',
    { class: 'finder-line' },
    other,
    tool('Replace', 'Replace', () => replaceOne()),
    tool('Replace all', 'All', () => replaceAll()),
  );
  const element = h(
    'div',
    { class: 'finder', role: 'search', 'aria-label': 'Find and replace', hidden: true },
    h(
      'div',
      { class: 'finder-line' },
      wanted,
      count,
      tool('Previous', icon('left'), () => step(-1)),
      tool('Next', icon('right'), () => step(1)),
      cased,
      tool('Close', icon('close'), () => close()),
    ),
    replace,
  );
  const isCased = () => cased.getAttribute('aria-pressed') === 'true';
  const now = () => KEY.getState(editor.state) ?? { found: [], at: 0 };
  /** @param {number} [at] */
  const look = (at) => editor.view.dispatch(editor.state.tr.setMeta(KEY, { at }).setMeta('addToHistory', false));
  const tell = () => {
    const { found, at } = now();
    setText(count, wanted.value ? (found.length > 0 ? `${at + 1} of ${found.length}` : 'Not found') : '');
  };
  const reveal = () => {
    const { found, at } = now();
    const range = found[at];
    if (!range) return;
    const { top, bottom } = editor.view.coordsAtPos(range.from);
    if (top < 180 || bottom > innerHeight - 60) scrollTo({ top: top + scrollY - innerHeight / 2 });
  };
  /** @param {1 | -1} by */
  const step = (by) => {
    const { found, at } = now();
    if (found.length === 0) return;
    look((at + by + found.length) % found.length);
    reveal();
  };
  const replaceOne = () => {
    const { found, at } = now();
    const range = found[at];
    if (!range || !editor.isEditable) return;
    editor.view.dispatch(put(editor.state.tr, range, other.value));
    reveal();
  };
  const replaceAll = () => {
    if (!editor.isEditable) return;
    const { tr } = editor.state;
    for (const range of now().found.toReversed()) put(tr, range, other.value);
    editor.view.dispatch(tr);
  };
  const open = () => {
    const { from, to, empty } = editor.state.selection;
    element.hidden = false;
    replace.hidden = !editor.isEditable;
    if (!empty && to - from < 100) wanted.value = editor.state.doc.textBetween(from, to, ' ');
    look();
    const first = now().found.findIndex((range) => range.to >= from);
    if (first > 0) look(first);
    wanted.focus();
    wanted.select();
  };
  const close = () => {
    const { found, at } = now();
    const range = found[at];
    element.hidden = true;
    const { tr } = editor.state;
    if (range) tr.setSelection(TextSelection.create(tr.doc, range.from, range.to));
    editor.view.dispatch(tr.setMeta(KEY, {}));
    editor.view.focus();
  };
  wanted.addEventListener('input', () => {
    look(0);
    reveal();
  });
  cased.addEventListener('click', () => {
    cased.setAttribute('aria-pressed', String(!isCased()));
    look(0);
  });
  element.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') close();
    else if (event.key === 'Enter' && event.target === wanted) step(event.shiftKey ? -1 : 1);
    else if (event.key === 'Enter' && event.target === other) replaceOne();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  editor.registerPlugin(
    new Plugin({
      key: KEY,
      state: {
        init: () => ({ found: /** @type {Range[]} */ ([]), at: 0 }),
        apply: (transaction, value) => {
          const asked = transaction.getMeta(KEY);
          if (!asked && !transaction.docChanged) return value;
          if (element.hidden || !wanted.value) return value.found.length === 0 ? value : { found: [], at: 0 };
          const found = ranges(transaction.doc, wanted.value, isCased());
          return { found, at: Math.max(0, Math.min(asked?.at ?? value.at, found.length - 1)) };
        },
      },
      props: {
        decorations: (state) => {
          const { found, at } = KEY.getState(state) ?? { found: [], at: 0 };
          return DecorationSet.create(
            state.doc,
            found.map(({ from, to }, index) =>
              Decoration.inline(from, to, { class: index === at ? 'match current' : 'match' }),
            ),
          );
        },
      },
      view: () => ({ update: tell }),
    }),
  );
  return { element, open };
}

/**
 * @param {import('@tiptap/pm/state').Transaction} tr
 * @param {Range} range
 * @param {string} text
 */
function put(tr, { from, to }, text) {
  return text ? tr.insertText(text, from, to) : tr.delete(from, to);
}
