/** The nodes and marks of rich text, with the names that collab_server/core/prosemirror and core/markdown know. */
import { Mark, getSchema, markInputRule } from '@tiptap/core';
import { CodeBlockLowlight } from '@tiptap/extension-code-block-lowlight';
import { Image } from '@tiptap/extension-image';
import { TaskItem, TaskList } from '@tiptap/extension-list';
import { Table, TableCell, TableHeader, TableRow } from '@tiptap/extension-table';
import StarterKit from '@tiptap/starter-kit';
import { isSafe } from './addresses.js';
import { Direction } from './blocks/alignment.js';
import { callout } from './blocks/callout.js';
import { footnotes } from './blocks/footnotes.js';
import { formulas } from './blocks/formulas.js';
import { LEAST_WIDTH } from './blocks/tables.js';
import { toggle } from './blocks/toggle.js';
import { HIGHLIGHTS, TEXT_COLOURS, offeredColour, shownColour } from './colours.js';
import { colouring } from './languages.js';

/** @import { NodeViewRenderer } from '@tiptap/core' */

/**
 * A mark that toggles.
 * @param {string} name
 * @param {string} tag
 * @param {{ key?: string, input?: RegExp, excludes?: string }} options
 */
const simpleMark = (name, tag, { key, input, excludes }) =>
  Mark.create({
    name,
    excludes,
    parseHTML: () => [{ tag }],
    renderHTML: () => [tag, 0],
    addKeyboardShortcuts() {
      return key ? { [key]: () => this.editor.commands.toggleMark(name) } : {};
    },
    addInputRules() {
      return input ? [markInputRule({ find: input, type: this.type })] : [];
    },
  });

/** Colours of text. Sizes and fonts of other editors are kept and not shown. */
const TextStyle = Mark.create({
  name: 'textStyle',
  addAttributes: () =>
    Object.fromEntries(
      ['color', 'backgroundColor', 'fontFamily', 'fontSize', 'lineHeight'].map((name) => [
        name,
        {
          default: null,
          rendered: name === 'color',
          parseHTML: (/** @type {HTMLElement} */ { style }) =>
            name === 'color' ? offeredColour(style.color, TEXT_COLOURS) : null,
        },
      ]),
    ),
  parseHTML: () => [
    { tag: 'span', consuming: false, getAttrs: ({ style }) => !!offeredColour(style.color, TEXT_COLOURS) && null },
  ],
  renderHTML: ({ mark }) => {
    const color = shownColour(mark.attrs.color, TEXT_COLOURS);
    return ['span', color ? { style: `color: ${color}` } : {}, 0];
  },
});

/** A highlight, which may have a colour. */
const Highlight = simpleMark('highlight', 'mark', {
  key: 'Mod-Shift-h',
  input: /(?:^|\s)(==(?!\s+==)((?:[^=]+))==(?!\s+==))$/,
}).extend({
  addAttributes: () => ({
    color: {
      default: null,
      rendered: false,
      parseHTML: (/** @type {HTMLElement} */ { dataset, style }) =>
        offeredColour(dataset.color ?? style.backgroundColor, HIGHLIGHTS),
    },
  }),
  renderHTML: ({ mark }) => {
    const color = shownColour(mark.attrs.color, HIGHLIGHTS);
    return ['mark', color ? { 'data-color': mark.attrs.color, style: `background-color: ${color}` } : {}, 0];
  },
});

/**
 * @typedef {'codeBlock' | 'image' | 'callout' | 'toggle' | 'formula' | 'footnoteReference' | 'footnoteDefinition'} Shown
 * @param {Partial<Record<Shown, NodeViewRenderer>>} [views] how the page shows some nodes
 */
export const nodesAndMarks = ({
  codeBlock,
  image,
  callout: calloutView,
  toggle: toggleView,
  formula,
  footnoteReference,
  footnoteDefinition,
} = {}) => [
  StarterKit.configure({
    undoRedo: false,
    codeBlock: false,
    trailingNode: false,
    dropcursor: { class: 'drop-cursor', color: false },
    link: {
      openOnClick: false,
      defaultProtocol: 'https',
      markdownLinks: true,
      isAllowedUri: (address) => isSafe(address),
    },
  }),
  CodeBlockLowlight.extend(codeBlock ? { addNodeView: () => codeBlock } : {}).configure({ lowlight: colouring }),
  Table.configure({ resizable: true, cellMinWidth: LEAST_WIDTH, allowTableNodeSelection: true }),
  TableRow,
  TableHeader,
  TableCell,
  TaskList,
  TaskItem.configure({ nested: true, a11y: { checkboxLabel: (node) => `Done: ${node.textContent || 'empty task'}` } }),
  Image.extend(image ? { addNodeView: () => image } : {}).configure({ allowBase64: true }),
  Highlight,
  simpleMark('subscript', 'sub', { excludes: 'superscript subscript', key: 'Mod-,' }),
  simpleMark('superscript', 'sup', { excludes: 'subscript superscript', key: 'Mod-.' }),
  TextStyle,
  callout(calloutView),
  ...toggle(toggleView),
  ...formulas(formula),
  ...footnotes({ reference: footnoteReference, definition: footnoteDefinition }),
  Direction,
];

export const schema = getSchema(nodesAndMarks());
