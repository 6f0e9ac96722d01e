/** How the page shows callouts: with a title that opens a menu of their kinds. */
import { icon } from '../../../components/icons.js';
import { bindMenu } from '../../../components/menu.js';
import { h } from '../../../lib/dom.js';
import { CALLOUTS, calloutOf } from './callout-kinds.js';

/** @import { NodeViewRenderer } from '@tiptap/core' */
/** @import { Node } from '@tiptap/pm/model' */

/** @type {NodeViewRenderer} */
export const calloutView = ({ node, editor, getPos }) => {
  let shown = node;
  const button = h('button', { class: 'callout-kind', type: 'button', tabindex: '-1' });
  const head = h('div', { class: 'callout-head', contenteditable: 'false' }, button);
  const body = h('div', { class: 'callout-body' });
  const dom = h('div', { role: 'note', dir: 'auto' }, head, body);
  const show = () => {
    const { kind, label, icon: name } = calloutOf(shown.attrs.type);
    dom.className = `callout ${kind}`;
    dom.setAttribute('aria-label', label);
    button.replaceChildren(icon(name), label);
    button.title = editor.isEditable ? 'Change the kind of callout' : '';
  };
  bindMenu(button, () =>
    CALLOUTS.map(({ kind, label, note }) => ({
      label,
      note,
      checked: kind === calloutOf(shown.attrs.type).kind,
      act: () => {
        const at = getPos();
        if (at === undefined || !editor.isEditable) return;
        editor.view.dispatch(editor.state.tr.setNodeAttribute(at, 'type', kind));
        editor.view.focus();
      },
    })),
  );
  button.addEventListener('click', (event) => editor.isEditable || event.stopImmediatePropagation(), { capture: true });
  show();
  return {
    dom,
    contentDOM: body,
    update(/** @type {Node} */ next) {
      if (next.type !== shown.type) return false;
      const isOther = next.attrs.type !== shown.attrs.type;
      shown = next;
      if (isOther) show();
      return true;
    },
    stopEvent: (event) => event.target instanceof globalThis.Node && head.contains(event.target),
    ignoreMutation: (mutation) => mutation.type !== 'selection' && !body.contains(mutation.target),
  };
};
