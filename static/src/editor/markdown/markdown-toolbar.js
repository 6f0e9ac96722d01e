/** The toolbar of a Markdown text. */
import { yUndoManagerKeymap } from 'y-codemirror.next';
import { icon } from '../../components/icons.js';
import { makeToolbar, toolButton, toolGroup, toolMenu } from '../../components/toolbar.js';
import { h, setText } from '../../lib/dom.js';
import { BLOCKS, LEVELS, LINK, LISTS, SIGNS, shown, styleName } from './actions.js';
import { heading, headingLevel } from './formatting.js';
import { TABLE_ACTIONS, newTable, tableAt } from './tables.js';

/** @import { Command, EditorView } from '@codemirror/view' */
/** @import { Action } from './actions.js' */

/**
 * @param {EditorView} view
 * @param {{ addPicture: () => void, contents: () => void, views: { group: HTMLElement, show: () => void }, isWriting: () => boolean }} options
 *   `views`: the buttons at the end; `isWriting`: whether the others are shown
 */
export function markdownToolbar(view, { addPicture, contents, views, isWriting }) {
  /** @type {(() => void)[]} */
  const shows = [];
  /** @param {Command} run */
  const doing = (run) => () => {
    run(view);
    view.focus();
  };
  /** @param {Action} action */
  const tool = ({ run, isOn, key, ...action }) => {
    const { button, show } = toolButton({
      ...action,
      key: key && shown(key),
      isOn: isOn && (() => isOn(view)),
      act: doing(run),
    });
    shows.push(show);
    return button;
  };
  const level = () => headingLevel(view.state.doc.lineAt(view.state.selection.main.head).text);
  const style = h('span', { class: 'tool-style' }, 'Text');
  const styles = toolMenu([style], 'Kind of line', () => [
    ...LEVELS.map((each) => ({
      label: styleName(each),
      note: shown(`Mod-Alt-${each}`),
      checked: level() === each,
      act: doing((at) => level() === each || heading(each)(at)),
    })),
    'line',
    ...BLOCKS.map(({ label, icon: name, key, run }) => ({
      label,
      icon: name,
      note: key && shown(key),
      act: doing(run),
    })),
  ]);
  const table = toolMenu([icon('table')], 'Table', () =>
    TABLE_ACTIONS.map((action) => (action === 'line' ? action : { ...action, act: doing(action.act) })),
  );
  const tableButton = tool({ label: 'Table', icon: 'table', run: newTable });
  shows.push(() => {
    setText(style, styleName(level()));
    styles.setAttribute('aria-label', `Kind of line: ${styleName(level())}`);
    const isInside = tableAt(view.state) !== null;
    table.hidden = !isInside;
    tableButton.hidden = isInside;
  });
  const picture = toolButton({ label: 'Picture', icon: 'picture', act: addPicture }).button;
  const [{ run: undo }, { run: redo }] = yUndoManagerKeymap;
  /** @type {Action[]} */
  const steps = [
    { label: 'Undo', icon: 'undo', key: 'Mod-z', run: /** @type {Command} */ (undo) },
    { label: 'Redo', icon: 'redo', key: 'Mod-Shift-z', run: /** @type {Command} */ (redo) },
  ];
  const writing = [
    toolGroup('Undo', ...steps.map(tool)),
    toolGroup('Line', styles),
    toolGroup('Text', ...SIGNS.map(tool)),
    toolGroup('Lists', ...LISTS.map(tool)),
    toolGroup('Insert', tool(LINK), picture, tableButton, table),
  ];
  const list = toolGroup('Contents', toolButton({ label: 'Contents', icon: 'outline', act: contents }).button);
  return makeToolbar([...writing, list, views.group], {
    leave: () => view.focus(),
    show: () => {
      const isShown = isWriting();
      for (const group of writing) group.hidden = !isShown;
      for (const show of shows) show();
      views.show();
    },
  });
}
