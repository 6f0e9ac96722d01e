/** Copies a text, and says so on the button. */
import { $, setText } from '../lib/dom.js';

/** Milliseconds until the button has its own text again. */
const STAYS = 2000;

/**
 * @param {string} text
 * @param {HTMLElement} button
 * @param {string} done the text of the button afterwards
 */
export async function copyText(text, button, done) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = done;
  } catch {
    button.textContent = 'Could not copy';
  }
  setText($('announcer'), button.textContent);
  setTimeout(() => {
    button.textContent = before;
  }, STAYS);
}
