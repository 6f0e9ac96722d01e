/** What clicks do beside putting the caret somewhere. */
import { TextSelection } from '@tiptap/pm/state';
import { goOnBelow } from '../actions.js';

/**
 * Begins a paragraph for a click into the space below the last block.
 * @param {import('@tiptap/pm/view').EditorView} view
 * @param {MouseEvent} event
 */
export function writeBelow(view, { target, clientY }) {
  const last = view.dom.lastElementChild;
  if (target !== view.dom || !last || clientY < last.getBoundingClientRect().bottom) return false;
  const { tr } = view.state;
  goOnBelow({ tr });
  view.dispatch(tr.setSelection(TextSelection.atEnd(tr.doc)));
  return true;
}

/**
 * Follows a link in a text that cannot be edited, or with Ctrl.
 * @param {MouseEvent} event
 * @param {boolean} isReadOnly
 */
export function openLink(event, isReadOnly) {
  const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
  if (!(link instanceof HTMLAnchorElement) || !(isReadOnly || event.ctrlKey || event.metaKey)) return false;
  if (link.getAttribute('href')) open(link.href, '_blank', 'noopener,noreferrer');
  return true;
}
