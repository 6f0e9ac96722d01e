/** The button beside selected text that begins a comment about it. */
import { h } from '../lib/dom.js';
import { icon } from '../components/icons.js';

/** @import { Discussion } from './discussion.js' */

/** Pixels by which it reaches into the space beside the text. */
const INSIDE = 38;

/**
 * @param {Discussion} discussion
 * @returns {() => void} to be called when the selection or the text has changed
 */
export function commentButton(discussion) {
  const button = h(
    'button',
    {
      class: 'comment-button',
      type: 'button',
      'aria-label': 'Comment on the selected text',
      title: 'Comment (Ctrl+Alt+M)',
      hidden: true,
    },
    icon('comment'),
  );
  // A press would take the selection away first.
  button.addEventListener('pointerdown', (event) => event.preventDefault());
  button.addEventListener('click', () => discussion.begin());
  document.body.append(button);
  return () => {
    const mayBegin = discussion.actions.mayComment && discussion.draft.value === null;
    const at = mayBegin ? discussion.session.editor?.chosenBox() : null;
    button.hidden = !at;
    if (!at) return;
    button.style.top = `${Math.round(at.top + scrollY + (at.bottom - at.top) / 2)}px`;
    button.style.left = `${Math.round(Math.min(at.right - INSIDE, innerWidth - 46))}px`;
  };
}
