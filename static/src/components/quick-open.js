/** The button of the header that opens the palette. */
import { PALETTE_KEY, openPalette, shownKey } from '../lib/commands.js';
import { h } from '../lib/dom.js';
import { icon } from './icons.js';

/**
 * Puts the button before `next`.
 * @param {HTMLElement} next
 */
export function bindQuick(next) {
  next.before(
    h(
      'button',
      { class: 'quick-button', type: 'button', title: 'Search and commands', onclick: openPalette },
      icon('search'),
      h('span', {}, 'Go to…'),
      h('span', { class: 'visually-hidden' }, ' a document or a command '),
      h('kbd', {}, shownKey(PALETTE_KEY)),
    ),
  );
}
