/**
 * The nodes and marks of rich text, with the names that collab_server/core/prosemirror and core/markdown know. What has no
 * form in Markdown, such as colours, is kept and shown where other editors have written it, and not offered.
 */
import { Extension, Mark, getSchema, markInputRule } from '@tiptap/core';
import { CodeBlockLowlight } from '@tiptap/extension-code-block-lowlight';
import { Image } from '@tiptap/extension-image';
import { TaskItem, TaskList } from '@tiptap/extension-list';
import { Table, TableCell, TableHeader, TableRow } from '@tiptap/extension-table';
import StarterKit from '@tiptap/starter-kit';
import { isSafe } from './addresses.js';
import { colouring } from './languages.js';

/** @import { NodeViewRenderer } from '@tiptap/core' */

/** Their direction is that of their text: the browser finds it, but not through blocks that have an attribute themselves. */
const AROUND = ['blockquote', 'bulletList', 'orderedList', 'taskList'];
/** Their direction is found by the style sheet. */
const BLOCKS = ['paragraph', 'heading', 'listItem', 'taskItem'];
const ALIGNED = ['paragraph', 'heading'];
const SIDES = new Set(['left', 'right', 'center', 'justify']);
const COLOUR = /^(?:#[0-9a-f]{3,8}|rgba?\([\d\s.,%/]+\)|hsla?\([\d\s.,%/deg]+\)|[a-z]{3,20})$/i;

/** @param {HTMLElement} element */
const parseDirection = (element) => {
  const dir = element.getAttribute('dir');
  return dir === 'ltr' || dir === 'rtl' ? dir : null;
};

/**
 * The attribute for a direction that another editor has set.
 * @param {string | null} otherwise
 */
const direction = (otherwise) => ({
  default: null,
  parseHTML: parseDirection,
  renderHTML: (/** @type {Record<string, unknown>} */ { dir }) => {
    const shown = dir === 'ltr' || dir === 'rtl' ? dir : otherwise;
    return shown ? { dir: shown } : {};
  },
});

/** The direction of each block is that of its text. Nothing is stored for it. */
const Direction = Extension.create({
  name: 'direction',
  addGlobalAttributes: () => [
    { types: AROUND, attributes: { dir: direction('auto') } },
    { types: BLOCKS, attributes: { dir: direction(null) } },
    {
      types: ALIGNED,
      attributes: {
        textAlign: {
          default: null,
          parseHTML: (element) => (SIDES.has(element.style.textAlign) ? element.style.textAlign : null),
          renderHTML: ({ textAlign }) => (SIDES.has(textAlign) ? { style: `text-align: ${textAlign}` } : {}),
        },
      },
    },
  ],
});

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

/** Colours and sizes of other editors. */
const TextStyle = Mark.create({
  name: 'textStyle',
  addAttributes: () =>
    Object.fromEntries(
      ['color', 'backgroundColor', 'fontFamily', 'fontSize', 'lineHeight'].map((name) => [
        name,
        { default: null, rendered: name === 'color', parseHTML: () => null },
      ]),
    ),
  renderHTML: ({ mark }) => {
    const { color } = mark.attrs;
    return ['span', typeof color === 'string' && COLOUR.test(color) ? { style: `color: ${color}` } : {}, 0];
  },
});

/** A highlight, in the colour that another editor may have given it. */
const Highlight = simpleMark('highlight', 'mark', {
  key: 'Mod-Shift-h',
  input: /(?:^|\s)(==(?!\s+==)((?:[^=]+))==(?!\s+==))$/,
}).extend({ addAttributes: () => ({ color: { default: null, rendered: false, parseHTML: () => null } }) });

/**
 * @param {{ codeBlock?: NodeViewRenderer, image?: NodeViewRenderer }} [views] how the page shows some nodes
 */
export const nodesAndMarks = ({ codeBlock, image } = {}) => [
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
  Table,
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
  Direction,
];

export const schema = getSchema(nodesAndMarks());
