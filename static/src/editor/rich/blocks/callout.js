/** Callouts: GFM's alerts, with the name that Tiptap editors mostly use. */
import { InputRule, Node } from '@tiptap/core';
import { calloutOf } from './callout-kinds.js';

/** @import { NodeViewRenderer } from '@tiptap/core' */

const TYPED = /^\[!(note|tip|important|warning|caution)\]\s$/i;

/** @param {NodeViewRenderer} [view] */
export const callout = (view) =>
  Node.create({
    name: 'callout',
    group: 'block',
    content: 'block+',
    defining: true,
    addAttributes: () => ({
      type: {
        default: 'note',
        parseHTML: (/** @type {HTMLElement} */ element) =>
          calloutOf(element.dataset.callout ?? /markdown-alert-(\w+)/.exec(element.className)?.[1]).kind,
        renderHTML: (/** @type {Record<string, unknown>} */ { type }) => ({ 'data-callout': calloutOf(type).kind }),
      },
    }),
    parseHTML: () => [{ tag: 'div[data-callout]' }, { tag: 'div.markdown-alert' }],
    renderHTML: ({ HTMLAttributes }) => ['div', HTMLAttributes, 0],
    addNodeView: () => view ?? null,
    addInputRules() {
      const { type } = this;
      return [
        new InputRule({
          find: TYPED,
          handler: ({ state, range, match, chain }) => {
            const kind = match[1].toLowerCase();
            const $from = state.doc.resolve(range.from);
            const isQuoted = $from.depth > 1 && $from.node(-1).type.name === 'blockquote' && $from.index(-1) === 0;
            const made = chain().deleteRange(range);
            if (isQuoted) made.lift('blockquote');
            made.wrapIn(type, { type: kind }).run();
          },
        }),
      ];
    },
  });
