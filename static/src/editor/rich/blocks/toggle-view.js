/** How the page shows toggles: with a button that shows and hides their content. The caret in it opens it. */
import { Plugin } from '@tiptap/pm/state';
import { Extension } from '@tiptap/core';
import { icon } from '../../../components/icons.js';
import { h } from '../../../lib/dom.js';
import { toggleDepth } from './toggle.js';

/** @import { NodeViewRenderer } from '@tiptap/core' */
/** @import { ResolvedPos } from '@tiptap/pm/model' */
/** @import { EditorView } from '@tiptap/pm/view' */

/** @type {WeakMap<Node, (isOpen: boolean) => void>} */
const switches = new WeakMap();

/** @type {NodeViewRenderer} */
export const toggleView = ({ node }) => {
  let shown = node;
  const button = h(
    'button',
    { class: 'toggle-button', type: 'button', tabindex: '-1', contenteditable: 'false' },
    icon('right'),
  );
  const body = h('div', { class: 'toggle-body' });
  const dom = h('div', { class: 'toggle-block', 'data-type': 'details' }, button, body);
  const open = (/** @type {boolean} */ isOpen) => {
    dom.toggleAttribute('data-open', isOpen);
    button.setAttribute('aria-expanded', String(isOpen));
    button.setAttribute(
      'aria-label',
      `${isOpen ? 'Hide' : 'Show'} the content: ${shown.child(0).textContent || 'toggle'}`,
    );
  };
  open(false);
  switches.set(dom, open);
  button.addEventListener('pointerdown', (event) => event.preventDefault());
  button.addEventListener('click', () => open(!dom.hasAttribute('data-open')));
  return {
    dom,
    contentDOM: body,
    update(next) {
      if (next.type !== shown.type) return false;
      shown = next;
      open(dom.hasAttribute('data-open'));
      return true;
    },
    stopEvent: (event) => event.target instanceof globalThis.Node && button.contains(event.target),
    ignoreMutation: (mutation) => mutation.type !== 'selection' && !body.contains(mutation.target),
  };
};

/**
 * Opens the toggles around a place, where the place is in their content.
 * @param {EditorView} view
 * @param {ResolvedPos} $at
 */
function reveal(view, $at) {
  for (let depth = toggleDepth($at); depth > 0; depth -= 1) {
    if ($at.node(depth).type.name !== 'details' || $at.index(depth) === 0) continue;
    const dom = view.nodeDOM($at.before(depth));
    if (dom instanceof HTMLElement && !dom.hasAttribute('data-open')) switches.get(dom)?.(true);
  }
}

/** Opens the toggle around the caret, and with Ctrl+Enter opens or closes it. */
export const ToggleKeys = Extension.create({
  name: 'toggleKeys',
  addKeyboardShortcuts() {
    return {
      'Mod-Enter': () => {
        const { view, state } = this.editor;
        const { $from } = state.selection;
        const depth = toggleDepth($from);
        const dom = depth ? view.nodeDOM($from.before(depth)) : null;
        if (!(dom instanceof HTMLElement)) return false;
        const isOpen = !dom.hasAttribute('data-open');
        if (!isOpen) this.editor.commands.setTextSelection($from.start(depth) + 1);
        switches.get(dom)?.(isOpen);
        return true;
      },
    };
  },
  addProseMirrorPlugins: () => [
    new Plugin({
      view: () => ({
        update: (view, before) => {
          if (view.state.selection !== before.selection) reveal(view, view.state.selection.$head);
        },
      }),
    }),
  ],
});
