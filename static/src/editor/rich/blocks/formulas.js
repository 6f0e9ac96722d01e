/**
 * Formulas of LaTeX, with the names and attributes of @tiptap/extension-mathematics. That package would load KaTeX with the
 * editor; here it comes with the first formula.
 */
import { InputRule, Node } from '@tiptap/core';

/** @import { NodeViewRenderer } from '@tiptap/core' */

/** As Markdown finds them: see formula-rules.js. */
const INLINE = /(?<![\d\\$])\$([^\s$](?:[^$]*[^\s$\\])?)\$$/;
const BLOCK = /^\$\$([^$]*[^\s$][^$]*)\$\$$/;

const latex = {
  latex: {
    default: '',
    parseHTML: (/** @type {HTMLElement} */ element) => element.dataset.latex ?? '',
    renderHTML: (/** @type {Record<string, unknown>} */ attributes) => ({ 'data-latex': attributes.latex }),
  },
};

/** @param {NodeViewRenderer} [view] */
export const formulas = (view) => [
  Node.create({
    name: 'inlineMath',
    group: 'inline',
    inline: true,
    atom: true,
    addAttributes: () => latex,
    parseHTML: () => [{ tag: 'span[data-type="inline-math"]' }],
    renderHTML: ({ node, HTMLAttributes }) => [
      'span',
      { ...HTMLAttributes, 'data-type': 'inline-math' },
      `$${node.attrs.latex}$`,
    ],
    renderText: ({ node }) => `$${node.attrs.latex}$`,
    addNodeView: () => view ?? null,
    addInputRules() {
      return [
        new InputRule({
          find: INLINE,
          handler: ({ state, range, match }) => {
            state.tr.replaceWith(range.from, range.to, this.type.create({ latex: match[1].trim() }));
          },
        }),
      ];
    },
  }),
  Node.create({
    name: 'blockMath',
    group: 'block',
    atom: true,
    addAttributes: () => latex,
    parseHTML: () => [{ tag: 'div[data-type="block-math"]' }],
    renderHTML: ({ node, HTMLAttributes }) => [
      'div',
      { ...HTMLAttributes, 'data-type': 'block-math' },
      `$$${node.attrs.latex}$$`,
    ],
    renderText: ({ node }) => `$$\n${node.attrs.latex}\n$$`,
    addNodeView: () => view ?? null,
    addInputRules() {
      return [
        new InputRule({
          find: BLOCK,
          handler: ({ state, range, match }) => {
            const $from = state.doc.resolve(range.from);
            const isAlone = $from.parent.type.name === 'paragraph' && $from.parent.content.size === match[0].length - 1;
            const node = this.type.create({ latex: match[1].trim() });
            if (isAlone && $from.node(-1).canReplaceWith($from.index(-1), $from.indexAfter(-1), this.type))
              state.tr.replaceWith($from.before(), $from.after(), [node, state.schema.nodes.paragraph.create()]);
          },
        }),
      ];
    },
  }),
];
