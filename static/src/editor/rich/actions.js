/** What can be done with rich text. Toolbar, bubble and slash menu offer these. */

import { COLUMN_ACTIONS } from './blocks/block-actions.js';

/** @import { Editor } from '@tiptap/core' */
/** @import { IconName } from '../../components/icons.js' */

/**
 * `isOn`: whether the selection is like that already. `words`: further words that find it in the slash menu. `key`: the
 * shortcut, as it is shown.
 * @typedef {object} Action
 * @property {string} label
 * @property {IconName} icon
 * @property {(editor: Editor) => unknown} act
 * @property {(editor: Editor) => boolean} [isOn]
 * @property {string} [key]
 * @property {string} [words]
 * @property {string} [note]
 */

/**
 * Has a paragraph behind the last block, where there is nowhere to go on writing otherwise.
 * @param {{ tr: import('@tiptap/pm/state').Transaction }} props
 */
export function goOnBelow({ tr }) {
  const { doc } = tr;
  if (doc.lastChild && doc.lastChild.type.name !== 'paragraph')
    tr.insert(doc.content.size, doc.type.schema.nodes.paragraph.create());
  return true;
}

/**
 * @param {string} name of a mark
 * @param {string} label
 * @param {IconName} icon
 * @param {string} [key]
 * @returns {Action}
 */
const mark = (name, label, icon, key) => ({
  label,
  icon,
  key,
  isOn: (editor) => editor.isActive(name),
  act: (editor) => editor.chain().focus().toggleMark(name).run(),
});

/** @type {Record<'bold' | 'italic' | 'underline' | 'strike' | 'code' | 'highlight' | 'subscript' | 'superscript', Action>} */
export const MARKS = {
  bold: mark('bold', 'Bold', 'bold', 'Ctrl+B'),
  italic: mark('italic', 'Italic', 'italic', 'Ctrl+I'),
  underline: mark('underline', 'Underline', 'underline', 'Ctrl+U'),
  strike: mark('strike', 'Strike through', 'strike', 'Ctrl+Shift+S'),
  code: mark('code', 'Code', 'code', 'Ctrl+E'),
  highlight: mark('highlight', 'Highlight', 'marker', 'Ctrl+Shift+H'),
  subscript: mark('subscript', 'Subscript', 'sub', 'Ctrl+,'),
  superscript: mark('superscript', 'Superscript', 'sup', 'Ctrl+.'),
};

/**
 * @param {1 | 2 | 3} level
 * @param {string} note
 * @returns {Action}
 */
const heading = (level, note) => ({
  label: `Heading ${level}`,
  icon: 'heading',
  note,
  key: `Ctrl+Alt+${level}`,
  words: `h${level} title`,
  isOn: (editor) => editor.isActive('heading', { level }),
  act: (editor) => editor.chain().focus().setHeading({ level }).run(),
});

/** @type {Action} */
export const TEXT = {
  label: 'Text',
  icon: 'text',
  note: 'Plain paragraphs',
  key: 'Ctrl+Alt+0',
  words: 'paragraph normal',
  isOn: (editor) => editor.isActive('paragraph') && !editor.isActive('blockquote'),
  act: (editor) => editor.chain().focus().clearNodes().run(),
};

export const HEADINGS = [heading(1, 'A large title'), heading(2, 'A section'), heading(3, 'A part of a section')];

/** @type {Action[]} */
export const LISTS = [
  {
    label: 'Bulleted list',
    icon: 'bullets',
    note: 'Points without an order',
    key: 'Ctrl+Shift+8',
    words: 'ul unordered dots',
    isOn: (editor) => editor.isActive('bulletList'),
    act: (editor) => editor.chain().focus().toggleBulletList().run(),
  },
  {
    label: 'Numbered list',
    icon: 'numbers',
    note: 'Steps in their order',
    key: 'Ctrl+Shift+7',
    words: 'ol ordered',
    isOn: (editor) => editor.isActive('orderedList'),
    act: (editor) => editor.chain().focus().toggleOrderedList().run(),
  },
  {
    label: 'Task list',
    icon: 'tasks',
    note: 'Things to tick off',
    key: 'Ctrl+Shift+9',
    words: 'todo check box',
    isOn: (editor) => editor.isActive('taskList'),
    act: (editor) => editor.chain().focus().toggleTaskList().run(),
  },
];

/** @type {Action} */
export const QUOTE = {
  label: 'Quote',
  icon: 'quote',
  note: 'What somebody else has said',
  key: 'Ctrl+Shift+B',
  words: 'blockquote citation',
  isOn: (editor) => editor.isActive('blockquote'),
  act: (editor) => editor.chain().focus().toggleBlockquote().run(),
};

/** @type {Action} */
export const CODE_BLOCK = {
  label: 'Code block',
  icon: 'codeblock',
  note: 'Lines of a program',
  key: 'Ctrl+Alt+C',
  words: 'source program pre',
  isOn: (editor) => editor.isActive('codeBlock'),
  act: (editor) => editor.chain().focus().toggleCodeBlock().run(),
};

/** @type {Action} */
export const TABLE = {
  label: 'Table',
  icon: 'table',
  note: 'Three columns to begin with',
  words: 'grid columns rows',
  act: (editor) =>
    editor.chain().focus().insertTable({ rows: 3, cols: 3, withHeaderRow: true }).command(goOnBelow).run(),
};

/** @type {Action} */
export const RULE = {
  label: 'Divider',
  icon: 'rule',
  note: 'A line across the page',
  words: 'hr horizontal line separator',
  act: (editor) => editor.chain().focus().setHorizontalRule().run(),
};

/** @type {Action[]} */
export const UNDO = [
  { label: 'Undo', icon: 'undo', key: 'Ctrl+Z', act: (editor) => editor.chain().focus().undo().run() },
  { label: 'Redo', icon: 'redo', key: 'Ctrl+Shift+Z', act: (editor) => editor.chain().focus().redo().run() },
];

/** @type {(Omit<Action, 'icon'> & { danger?: boolean } | 'line')[]} */
export const TABLE_ACTIONS = [
  { label: 'Add row above', act: (editor) => editor.chain().focus().addRowBefore().run() },
  { label: 'Add row below', act: (editor) => editor.chain().focus().addRowAfter().run() },
  { label: 'Add column before', act: (editor) => editor.chain().focus().addColumnBefore().run() },
  { label: 'Add column after', act: (editor) => editor.chain().focus().addColumnAfter().run() },
  'line',
  ...COLUMN_ACTIONS,
  'line',
  { label: 'Header row', act: (editor) => editor.chain().focus().toggleHeaderRow().run() },
  { label: 'Merge or split cells', act: (editor) => editor.chain().focus().mergeOrSplit().run() },
  'line',
  { label: 'Delete row', act: (editor) => editor.chain().focus().deleteRow().run(), danger: true },
  { label: 'Delete column', act: (editor) => editor.chain().focus().deleteColumn().run(), danger: true },
  { label: 'Delete table', act: (editor) => editor.chain().focus().deleteTable().run(), danger: true },
];

/** The kinds of blocks that a text block can become, for the menu of the toolbar. */
export const STYLES = [TEXT, ...HEADINGS, QUOTE, CODE_BLOCK];

/**
 * The actions that a typed word means; those whose label begins with it come first.
 * @template {{ label: string, words?: string }} T
 * @param {readonly T[]} actions
 * @param {string} typed
 * @returns {T[]}
 */
export function matching(actions, typed) {
  const wanted = typed.trim().toLowerCase();
  if (!wanted) return [...actions];
  const rank = (/** @type {T} */ { label, words = '' }) => {
    const name = label.toLowerCase();
    if (name.startsWith(wanted)) return 0;
    if (name.split(' ').some((word) => word.startsWith(wanted))) return 1;
    return words.split(' ').some((word) => word.startsWith(wanted)) || name.replaceAll(' ', '').startsWith(wanted)
      ? 2
      : 3;
  };
  return actions
    .map((action) => ({ action, at: rank(action) }))
    .filter(({ at }) => at < 3)
    .sort((a, b) => a.at - b.at)
    .map(({ action }) => action);
}
