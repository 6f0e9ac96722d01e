/** How the page shows footnotes: a click on one leads to the other. */
import { h } from '../../../lib/dom.js';
import { goTo } from './footnotes.js';

/** @import { NodeViewRenderer } from '@tiptap/core' */

/** @type {NodeViewRenderer} */
export const footnoteReference = ({ node, editor }) => {
  const { label } = node.attrs;
  const button = h(
    'button',
    { type: 'button', tabindex: '-1', 'aria-label': `Footnote ${label}`, title: `Footnote ${label}` },
    String(label),
  );
  button.addEventListener('click', () => goTo(editor, 'footnoteDefinition', label));
  return {
    dom: h('sup', { class: 'footnote-ref' }, button),
    update: (next) => next.type === node.type && next.attrs.label === label,
    stopEvent: (event) => event.type === 'click',
    ignoreMutation: () => true,
  };
};

/** @type {NodeViewRenderer} */
export const footnoteDefinition = ({ node, editor }) => {
  const { label } = node.attrs;
  const back = h(
    'button',
    {
      class: 'footnote-label',
      type: 'button',
      tabindex: '-1',
      contenteditable: 'false',
      'aria-label': `Footnote ${label}: back to the text`,
      title: 'Back to the text',
    },
    String(label),
  );
  const text = h('div', { class: 'footnote-text' });
  back.addEventListener('click', () => goTo(editor, 'footnoteReference', label));
  return {
    dom: h('div', { class: 'footnote', dir: 'auto' }, back, text),
    contentDOM: text,
    update: (next) => next.type === node.type && next.attrs.label === label,
    stopEvent: (event) => event.target instanceof globalThis.Node && back.contains(event.target),
    ignoreMutation: (mutation) => mutation.type !== 'selection' && !text.contains(mutation.target),
  };
};
