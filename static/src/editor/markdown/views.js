/** Whether a Markdown document is shown as its source, as what it looks like, or both. Kept for each document. */
import { keptMode } from '../../lib/editor-mode.js';
import { memory } from '../../lib/identity.js';
import { toolButton, toolGroup } from '../../components/toolbar.js';

/** @import { IconName } from '../../components/icons.js' */
/** @import { Session } from '../session.js' */

/** @typedef {'write' | 'split' | 'preview'} View */

/** Narrower pages have no room for both. */
export const narrow = matchMedia('(max-width: 900px)');

/** @type {[View, string, IconName][]} */
const VIEWS = [
  ['write', 'Write', 'pencil'],
  ['split', 'Write with preview', 'columns'],
  ['preview', 'Preview', 'eye'],
];

/** @param {Session} session */
const keyOf = ({ details, address }) => `view:${details?.id ?? address}`;

/**
 * The view that the reader has chosen, or else that of the document, or else the one that the reader likes.
 * @param {Session} session
 * @returns {View}
 */
export function chosenView(session) {
  const kept = memory.get(keyOf(session));
  const modes = [session.details?.settings?.editor_mode, keptMode()];
  const view = kept ?? modes.find((mode) => mode === 'split' || mode === 'preview') ?? 'write';
  const found = VIEWS.find(([name]) => name === view)?.[0] ?? 'write';
  return found === 'split' && narrow.matches ? 'write' : found;
}

/**
 * @param {Session} session
 * @param {View} view
 */
export const keepView = (session, view) => memory.set(keyOf(session), view);

/**
 * The buttons that change the view.
 * @param {() => View} current
 * @param {(view: View) => void} choose
 */
export function viewButtons(current, choose) {
  const made = VIEWS.map(([view, label, icon]) => ({
    view,
    ...toolButton({ label, icon, isOn: () => current() === view, act: () => choose(view) }),
  }));
  const group = toolGroup('View', ...made.map(({ button }) => button));
  group.classList.add('view-tools');
  const show = () => {
    for (const each of made) {
      each.button.hidden = each.view === 'split' && narrow.matches;
      each.show();
    }
  };
  return { group, show };
}
