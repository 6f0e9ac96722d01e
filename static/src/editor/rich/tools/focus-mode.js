/** Focus mode: nothing but the text, and of it the block with the caret. */
import { Plugin, PluginKey } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';
import { $, h, setText } from '../../../lib/dom.js';

/** @import { Editor } from '@tiptap/core' */

/** @param {Editor} editor */
export function focusMode(editor) {
  const key = new PluginKey('focusMode');
  const leave = h(
    'button',
    { class: 'button small leave-focus', type: 'button', hidden: true, title: 'Ctrl+Alt+F' },
    'Leave focus mode',
  );
  document.body.append(leave);
  const isOn = () => document.body.hasAttribute('data-focus');
  const turn = (/** @type {boolean} */ on) => {
    if (isOn() === on) return false;
    document.body.toggleAttribute('data-focus', on);
    leave.hidden = !on;
    setText($('announcer'), on ? 'Focus mode. Escape leaves it.' : 'Focus mode is off.');
    editor.view.dispatch(editor.state.tr.setMeta(key, true).setMeta('addToHistory', false));
    editor.commands.scrollIntoView();
    return true;
  };
  leave.addEventListener('click', () => {
    turn(false);
    editor.view.focus();
  });
  editor.registerPlugin(
    new Plugin({
      key,
      props: {
        decorations: ({ doc, selection }) => {
          if (!isOn() || selection.$head.depth === 0) return null;
          const at = selection.$head.before(1);
          const end = at + (doc.nodeAt(at)?.nodeSize ?? 0);
          return DecorationSet.create(doc, [Decoration.node(at, end, { class: 'in-focus' })]);
        },
      },
    }),
  );
  return {
    toggle: () => turn(!isOn()),
    leave: () => turn(false),
    destroy() {
      document.body.removeAttribute('data-focus');
      leave.remove();
    },
  };
}
