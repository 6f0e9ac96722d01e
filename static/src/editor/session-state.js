/** Waiting for a state of a session. */

/** @import { Session } from './session.js' */

const EVENTS = ['details', 'synced', 'status'];

/**
 * Waits until something is true of a session.
 * @param {Session} session
 * @param {() => boolean} isTrue
 */
export function until(session, isTrue) {
  if (isTrue()) return Promise.resolve();
  return new Promise((/** @type {(_: void) => void} */ resolve) => {
    const look = () => {
      if (!isTrue()) return;
      for (const name of EVENTS) session.removeEventListener(name, look);
      resolve();
    };
    for (const name of EVENTS) session.addEventListener(name, look);
  });
}

/**
 * Waits until the server has all edits of the page, or until there is no connection that could bring them there.
 * @param {Session} session
 */
export const saved = (session) => until(session, () => !session.status.dirty || session.status.link !== 'up');

/**
 * What the editor shows, and whether it only shows it.
 * @param {Session} session
 */
export function edited({ proposal, doc, text, readOnly, status }) {
  return proposal ? { ...proposal, readOnly: status.link === 'ended' } : { doc, text, readOnly };
}
