/** One line at the foot of the page that says what has happened, perhaps with a way back. */
import { h } from './dom.js';

const STAYS = 6000;
let current = null;

/** @param {string} text @param {{verb: string, act: () => void}} [undo] */
export function toast(text, undo) {
  current?.remove();
  let region = document.getElementById('toasts');
  if (!region) {
    region = h('div', { id: 'toasts', class: 'toasts', role: 'status', 'aria-live': 'polite' });
    document.body.append(region);
  }
  const line = h('div', { class: 'toast' }, h('span', {}, text));
  if (undo) {
    line.append(h('button', {
      type: 'button',
      onclick: () => {
        line.remove();
        undo.act();
      },
    }, undo.verb));
  }
  region.append(line);
  current = line;
  const leave = () => {
    if (line.matches(':hover, :focus-within')) setTimeout(leave, STAYS / 2);
    else line.remove();
  };
  setTimeout(leave, STAYS);
}

/** Does `act`, and tells when the server refuses. @returns {Promise<any>} what it returned, undefined when refused */
export async function tryTo(act) {
  try {
    return await act();
  } catch (error) {
    if (error.status === undefined) throw error;
    toast(error.message);
    return undefined;
  }
}
