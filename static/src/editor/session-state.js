/** States of a session: what is edited, and waiting for one. */
import * as content from './content.js';

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
 * How the text is edited. A suggestion is typed as Markdown.
 * @param {Session} session
 */
export const kindOf = ({ proposal, doc, details }) =>
  proposal ? 'markdown' : content.kindOf(doc, details?.settings?.editor_mode);

/**
 * What the editor shows, and whether it only shows it: also while a text is on its way. Markdown that is typed into a
 * document of nodes would take their place.
 * @param {Session} session
 */
export function edited({ proposal, doc, readOnly, status, details, loaded }) {
  if (proposal) return { doc: proposal.doc, readOnly: status.link === 'ended' };
  return { doc, readOnly: readOnly || (!loaded && Boolean(details?.content_bytes)) };
}
