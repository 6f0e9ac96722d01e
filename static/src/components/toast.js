/** One line at the foot of the page that says what has happened, with an undo button where that is possible. */
import { h } from '../lib/dom.js';
import { RequestError } from '../lib/request.js';

const STAYS = 6000;
/** @type {HTMLElement | null} */
let current = null;

/**
 * @param {string} text
 * @param {{ verb: string, act: () => void }} [undo]
 */
export function toast(text, undo) {
  current?.remove();
  let region = document.getElementById('toasts');
  if (!region) {
    region = h('div', { id: 'toasts', class: 'toasts', role: 'status', 'aria-live': 'polite' });
  }
  // What is behind a modal dialog is not read out, and cannot be clicked.
  const host = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
  if (region.parentElement !== host) host.append(region);
  const line = h('div', { class: 'toast' }, h('span', {}, text));
  if (undo) {
    line.append(
      h(
        'button',
        {
          type: 'button',
          onclick: () => {
            line.remove();
            undo.act();
          },
        },
        undo.verb,
      ),
    );
  }
  region.append(line);
  current = line;
  const leave = () => {
    if (line.matches(':hover, :focus-within')) setTimeout(leave, STAYS / 2);
    else line.remove();
  };
  setTimeout(leave, STAYS);
}

/**
 * Calls `act`, and shows a message when the server refuses.
 * @template T
 * @param {() => Promise<T>} act
 * @returns {Promise<T | undefined>} undefined when refused
 */
export async function tryTo(act) {
  try {
    return await act();
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    toast(error.message);
    return undefined;
  }
}
