/** What can be done with callouts, toggles, formulas, alignment and columns. */
import { ALIGNMENTS, align } from './alignment.js';
import { CALLOUTS } from './callout-kinds.js';
import { addFootnote } from './footnotes.js';
import { addFormula } from './formula-view.js';
import { resetWidths, stepWidth } from './tables.js';
import { addToggle } from './toggle.js';

/** @import { Editor } from '@tiptap/core' */
/** @import { Items } from '../../../components/menu.js' */
/** @import { Action } from '../actions.js' */

/** @type {Action[]} */
const CALLOUT_ACTIONS = CALLOUTS.map(({ kind, label, icon, note }) => ({
  label,
  icon,
  note,
  words: `callout alert box ${kind === 'note' ? 'info' : ''}`,
  isOn: (editor) => editor.isActive('callout', { type: kind }),
  act: (editor) =>
    editor.isActive('callout')
      ? editor.chain().focus().updateAttributes('callout', { type: kind }).run()
      : editor.chain().focus().wrapIn('callout', { type: kind }).run(),
}));

/** @type {Action} */
const TOGGLE = {
  label: 'Toggle',
  icon: 'toggle',
  note: 'Hides what is in it',
  words: 'details collapse fold spoiler',
  act: addToggle,
};

/** @type {Action} */
const FORMULA = {
  label: 'Formula',
  icon: 'formula',
  note: 'On a line of its own',
  words: 'math maths latex equation tex',
  act: (editor) => addFormula(editor, 'blockMath'),
};

/** @type {Action} */
const TEXT_FORMULA = {
  label: 'Formula in the text',
  icon: 'formula',
  note: '$x^2$',
  words: 'math maths latex inline tex',
  act: (editor) => addFormula(editor, 'inlineMath'),
};

/** @type {Action} */
const FOOTNOTE = {
  label: 'Footnote',
  icon: 'footnote',
  note: 'At the end of the text',
  words: 'note reference citation',
  act: addFootnote,
};

export const BLOCKS = [...CALLOUT_ACTIONS, TOGGLE, FORMULA, TEXT_FORMULA, FOOTNOTE];

/**
 * @param {Editor} editor
 * @param {readonly Action[]} actions
 * @returns {Items}
 */
const itemsOf = (editor, actions) =>
  actions.map(({ label, icon, note, act }) => ({ label, icon, note, act: () => act(editor) }));

/**
 * The entries of the menu that inserts blocks.
 * @param {Editor} editor
 * @param {readonly Action[]} others
 * @returns {Items}
 */
export const insertItems = (editor, others) => [
  ...itemsOf(editor, [TOGGLE, FORMULA, TEXT_FORMULA, FOOTNOTE, ...others]),
  { heading: 'Callout' },
  ...itemsOf(editor, CALLOUT_ACTIONS),
];

/**
 * The entries of the menu inside a callout.
 * @param {Editor} editor
 * @returns {Items}
 */
export const calloutItems = (editor) => [
  ...CALLOUT_ACTIONS.map(({ label, note, isOn, act }) => ({
    label,
    note,
    checked: isOn?.(editor) ?? false,
    act: () => act(editor),
  })),
  'line',
  { label: 'Remove callout', act: () => editor.chain().focus().lift('callout').run() },
];

/**
 * @param {Editor} editor
 * @returns {Items}
 */
export const alignmentItems = (editor) =>
  ALIGNMENTS.map(({ side, label, key }) => ({
    label,
    note: key,
    checked: editor.isActive({ textAlign: side }),
    act: () => align(editor, side),
  }));

/** @type {{ label: string, act: (editor: Editor) => unknown }[]} */
export const COLUMN_ACTIONS = [
  { label: 'Wider column', act: (editor) => stepWidth(editor, 1) },
  { label: 'Narrower column', act: (editor) => stepWidth(editor, -1) },
  { label: 'Widths as the text needs', act: resetWidths },
];
