/** The menu that `/` opens in the text: what is typed behind it chooses. */
import { Plugin, PluginKey } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';
import { icon } from '../../components/icons.js';
import { $, h, setText } from '../../lib/dom.js';
import { counted } from '../../lib/format.js';
import { matching } from './actions.js';

/** @import { Editor } from '@tiptap/core' */
/** @import { EditorState } from '@tiptap/pm/state' */
/** @import { Action } from './actions.js' */

const ID = 'slash-menu';
/** Pixels of the header and the toolbar. */
const HEADER = 120;
const TYPED = /(?:^|\s)\/([\p{L}\p{N} ]{0,24})$/u;

/**
 * The slash before the caret, and what is typed behind it. null: there is none.
 * @param {EditorState} state
 * @returns {{ from: number, typed: string } | null}
 */
export function slashAt({ selection }) {
  const { $from, empty } = selection;
  if (!empty || !$from.parent.isTextblock || $from.parent.type.spec.code) return null;
  const before = $from.parent.textBetween(Math.max(0, $from.parentOffset - 40), $from.parentOffset, '\n', '\ufffc');
  const found = TYPED.exec(before);
  return found ? { from: $from.pos - found[1].length - 1, typed: found[1] } : null;
}

/**
 * @param {Editor} editor
 * @param {readonly Action[]} actions
 */
export function slashMenu(editor, actions) {
  const list = h('div', {
    class: 'menu slash-menu',
    id: ID,
    role: 'listbox',
    tabindex: '0',
    'aria-label': 'Insert',
    hidden: true,
  });
  document.body.append(list);
  /** @type {Action[]} */
  let found = [];
  let at = 0;
  /** Where a slash stands whose menu was closed. */
  let closed = -1;
  let open = -1;

  const isOpen = () => !list.hidden;
  const text = () => editor.view.dom;
  const close = () => {
    if (!isOpen()) return;
    list.hidden = true;
    open = -1;
    text().removeAttribute('aria-activedescendant');
    text().removeAttribute('aria-controls');
  };
  const choose = (/** @type {Action} */ action) => {
    const slash = slashAt(editor.state);
    close();
    if (!slash) return;
    editor.view.dispatch(editor.state.tr.delete(slash.from, editor.state.selection.from));
    editor.view.focus();
    action.act(editor);
  };
  const mark = () => {
    [...list.children].forEach((each, index) => {
      each.setAttribute('aria-selected', String(index === at));
      if (index === at) each.scrollIntoView({ block: 'nearest' });
    });
    text().setAttribute('aria-activedescendant', `${ID}-${at}`);
  };
  const draw = () => {
    list.replaceChildren(
      ...found.map((action, index) => {
        const item = h(
          'div',
          { class: 'menu-item', id: `${ID}-${index}`, role: 'option' },
          icon(action.icon),
          h('span', { class: 'menu-label' }, action.label),
          action.note && h('span', { class: 'menu-note' }, action.note),
        );
        item.addEventListener('pointerdown', (event) => event.preventDefault());
        item.addEventListener('click', () => choose(action));
        item.addEventListener('pointermove', () => {
          if (at === index) return;
          at = index;
          mark();
        });
        return item;
      }),
    );
  };
  const place = (/** @type {number} */ from) => {
    const { left, top, bottom } = editor.view.coordsAtPos(from);
    list.style.maxHeight = '';
    const { offsetWidth: width, offsetHeight: wanted } = list;
    const room = innerHeight - bottom - 14;
    const isBelow = wanted < room || room > top - HEADER;
    const height = Math.min(wanted, isBelow ? room : top - HEADER);
    list.style.maxHeight = `${Math.round(height)}px`;
    list.style.left = `${Math.round(Math.max(8, Math.min(left, innerWidth - width - 8)))}px`;
    list.style.top = `${Math.round(isBelow ? bottom + 6 : top - height - 6)}px`;
  };
  /** @param {boolean} typed whether the person has just typed */
  const show = (typed) => {
    const slash = editor.isEditable && editor.view.hasFocus() ? slashAt(editor.state) : null;
    if (!slash) {
      closed = -1;
      close();
      return;
    }
    if (slash.from === closed || (!isOpen() && !typed)) return;
    const next = matching(actions, slash.typed);
    if (next.length === 0) {
      close();
      return;
    }
    const isOther = next.length !== found.length || next.some((action, index) => action !== found[index]);
    found = next;
    if (isOther || !isOpen()) {
      at = 0;
      draw();
    }
    if (open !== slash.from) setText($('announcer'), `${counted(found.length, 'block')} to insert. Arrow keys choose.`);
    open = slash.from;
    list.hidden = false;
    text().setAttribute('aria-controls', ID);
    mark();
    place(slash.from);
  };
  const again = () => isOpen() && place(open);
  addEventListener('scroll', again, { passive: true });
  addEventListener('resize', again);
  const left = () => setTimeout(() => !editor.isDestroyed && !editor.view.hasFocus() && close());
  text().addEventListener('focusout', left);

  editor.registerPlugin(
    new Plugin({
      key: new PluginKey('slash'),
      props: {
        handleKeyDown: (_view, event) => {
          if (!isOpen() || event.isComposing) return false;
          /** @type {Record<string, number>} */
          const to = { ArrowDown: at + 1, ArrowUp: at - 1 };
          if (event.key in to) {
            at = (to[event.key] + found.length) % found.length;
            mark();
          } else if (event.key === 'Enter' || event.key === 'Tab') choose(found[at]);
          else if (event.key === 'Escape') {
            closed = open;
            close();
          } else return false;
          return true;
        },
        decorations: (state) => {
          const slash = isOpen() ? slashAt(state) : null;
          if (!slash) return null;
          return DecorationSet.create(state.doc, [
            Decoration.inline(slash.from, state.selection.from, { class: 'slash-typed' }),
          ]);
        },
      },
    }),
    // Before the keys of lists and paragraphs.
    (added, others) => [added, ...others],
  );
  return {
    show,
    destroy() {
      removeEventListener('scroll', again);
      removeEventListener('resize', again);
      list.remove();
    },
  };
}
