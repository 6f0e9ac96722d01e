/** The toolbar of rich text. Arrow keys go through it; Alt+F10 leads there, Escape back into the text. */
import { icon } from '../../components/icons.js';
import { makeToolbar, toolButton, toolGroup, toolMenu } from '../../components/toolbar.js';
import { h, setText } from '../../lib/dom.js';
import { CODE_BLOCK, LISTS, MARKS, QUOTE, RULE, STYLES, TABLE, TABLE_ACTIONS, TEXT, UNDO } from './actions.js';
import { alignmentItems, calloutItems, insertItems } from './blocks/block-actions.js';
import { colourItems } from './colours.js';
import { blockItems } from './tools/drag-handle.js';

/** @import { Editor } from '@tiptap/core' */
/** @import { Action } from './actions.js' */

/**
 * @param {Action} action
 * @param {Editor} editor
 */
export const actionButton = ({ act, isOn, ...action }, editor) =>
  toolButton({ ...action, act: () => act(editor), isOn: isOn && (() => isOn(editor)) });

/**
 * @param {Editor} editor
 * @param {{ addPicture: () => void, addLink: () => void, find: () => void, contents: () => void, focus: () => void }} acts
 * @returns {{ element: HTMLElement, show: () => void, focus: () => void }}
 */
export function toolbar(editor, { addPicture, addLink, find, contents, focus }) {
  /** @type {(() => void)[]} */
  const shows = [];
  /** @param {Action} action */
  const tool = (action) => {
    const { button, show } = actionButton(action, editor);
    shows.push(show);
    return button;
  };
  const style = h('span', { class: 'tool-style' }, 'Text');
  const styles = toolMenu([style], 'Kind of block', () =>
    STYLES.map((action) => ({
      label: action.label,
      note: action.key,
      checked: action.isOn?.(editor) ?? false,
      // The menu gives the focus back to its button first.
      act: () => action.act(editor),
    })),
  );
  shows.push(() => {
    const found = [CODE_BLOCK, QUOTE, ...STYLES].find(({ isOn }) => isOn?.(editor)) ?? TEXT;
    setText(style, found.label);
    styles.setAttribute('aria-label', `Kind of block: ${found.label}`);
  });
  const table = toolMenu([icon('table')], 'Table', () =>
    TABLE_ACTIONS.map((action) =>
      action === 'line' ? action : { label: action.label, danger: action.danger, act: () => action.act(editor) },
    ),
  );
  const newTable = tool(TABLE);
  shows.push(() => {
    const isInside = editor.isActive('table');
    table.hidden = !isInside;
    newTable.hidden = isInside;
  });
  const callout = toolMenu([icon('info')], 'Callout', () => calloutItems(editor));
  const colours = toolMenu([icon('palette')], 'Colours', () => colourItems(editor));
  const insert = toolMenu([icon('plus')], 'More blocks', () => insertItems(editor, [RULE]));
  shows.push(() => {
    callout.hidden = !editor.isActive('callout');
  });
  const more = toolMenu([icon('more')], 'More', () => [
    ...[MARKS.subscript, MARKS.superscript].map(({ label, key, isOn, act }) => ({
      label,
      note: key,
      checked: isOn?.(editor) ?? false,
      act: () => act(editor),
    })),
    'line',
    ...alignmentItems(editor),
    'line',
    {
      label: 'Clear formatting',
      icon: 'close',
      act: () => editor.chain().focus().unsetAllMarks().run(),
    },
    'line',
    ...blockItems(editor),
    'line',
    { label: 'Contents…', icon: 'outline', act: contents },
    { label: 'Focus mode', note: 'Ctrl+Alt+F', icon: 'eye', act: focus },
    { label: 'Find and replace…', note: 'Ctrl+F', icon: 'search', act: find },
  ]);
  for (const each of [more, colours, insert, callout]) each.querySelector('[data-icon="down"]')?.remove();
  const groups = [
    toolGroup('Undo', ...UNDO.map(tool)),
    toolGroup('Block', styles),
    toolGroup(
      'Text',
      ...[MARKS.bold, MARKS.italic, MARKS.underline, MARKS.strike, MARKS.code, MARKS.highlight].map(tool),
      colours,
    ),
    toolGroup('Lists', ...LISTS.map(tool)),
    toolGroup(
      'Insert',
      tool({
        label: 'Link',
        icon: 'link',
        key: 'Ctrl+K',
        isOn: () => editor.isActive('link'),
        act: addLink,
      }),
      tool({ label: 'Picture', icon: 'picture', act: addPicture }),
      newTable,
      table,
      callout,
      insert,
    ),
    toolGroup('More', more),
  ];
  return makeToolbar(groups, {
    leave: () => editor.view.focus(),
    show: () => {
      for (const each of shows) each();
    },
  });
}
