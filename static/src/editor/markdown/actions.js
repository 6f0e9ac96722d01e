/** What can be done with a Markdown text, and the keys that do it. */
import * as formatting from './formatting.js';
import { toCell } from './tables.js';

/** @import { Command, EditorView, KeyBinding } from '@codemirror/view' */
/** @import { IconName } from '../../components/icons.js' */

const isApple = /Mac|iPhone|iPad/.test(navigator.platform);

/**
 * How a shortcut is shown.
 * @param {string} key as CodeMirror writes it
 */
export const shown = (key) =>
  key
    .replace('Mod', isApple ? '⌘' : 'Ctrl')
    .replaceAll('-', '+')
    .replace(/[a-z]$/, (letter) => letter.toUpperCase());

/** @typedef {{ label: string, icon: IconName, run: Command, key?: string, isOn?: (view: EditorView) => boolean }} Action */

/** @type {Action[]} */
export const SIGNS = [
  { label: 'Bold', icon: 'bold', key: 'Mod-b', run: formatting.wrap('**') },
  { label: 'Italic', icon: 'italic', key: 'Mod-i', run: formatting.wrap('_') },
  { label: 'Strike through', icon: 'strike', key: 'Mod-Shift-s', run: formatting.wrap('~~') },
  { label: 'Code', icon: 'code', key: 'Mod-e', run: formatting.wrap('`') },
];

/** @type {Action[]} */
export const LISTS = [
  { label: 'Bulleted list', icon: 'bullets', key: 'Mod-Shift-8', ...listAction('bullets') },
  { label: 'Numbered list', icon: 'numbers', key: 'Mod-Shift-7', ...listAction('numbers') },
  { label: 'Task list', icon: 'tasks', key: 'Mod-Shift-9', ...listAction('tasks') },
];

/** @type {Action[]} */
export const BLOCKS = [
  {
    label: 'Quote',
    icon: 'quote',
    key: 'Mod-Shift-b',
    run: formatting.quote,
    isOn: ({ state }) => formatting.isQuoted(state),
  },
  { label: 'Code block', icon: 'codeblock', key: 'Mod-Alt-c', run: formatting.codeBlock },
  { label: 'Divider', icon: 'rule', run: formatting.rule },
];

/** @type {Action} */
export const LINK = { label: 'Link', icon: 'link', key: 'Mod-k', run: formatting.link };

export const LEVELS = /** @type {const} */ ([0, 1, 2, 3]);
export const styleName = (/** @type {number} */ level) => (level === 0 ? 'Text' : `Heading ${level}`);

/** @param {formatting.ListKind} kind */
function listAction(kind) {
  return {
    run: formatting.list(kind),
    isOn: (/** @type {EditorView} */ { state }) => formatting.isInList(state, kind),
  };
}

/** @type {KeyBinding[]} */
export const keys = [
  ...[...SIGNS, ...LISTS, ...BLOCKS, LINK]
    .filter(({ key }) => key)
    .map(({ key, run }) => ({ key, run, preventDefault: true })),
  ...LEVELS.map((level) => ({ key: `Mod-Alt-${level}`, run: formatting.heading(level), preventDefault: true })),
  { key: 'Tab', run: toCell(1), shift: toCell(-1) },
];
