/** Times as people read them. */
import { h } from '../lib/dom.js';
import { ago } from '../lib/format.js';

/**
 * The words for a time: in full, and how long ago it is.
 * @param {string} iso
 */
export function timeText(iso) {
  const at = new Date(iso);
  const full = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' }).format(at);
  return { full, short: ago(at.getTime(), Date.now()) };
}

/**
 * Makes a time element.
 * @param {string} iso
 * @param {string} [before] text before the time
 */
export function clock(iso, before = '') {
  const { full, short } = timeText(iso);
  return h('time', { datetime: iso, title: full }, before + short);
}
