/** What the person may do in the open document, after somebody has changed its shares. */

/** @import { ChangeEvent } from '../lib/types.js' */
/** @import { Session } from './session.js' */

/**
 * Reads the person's role again when a share was changed. The socket tells of a change between reading and editing, but
 * not of one between reading and commenting.
 * @param {Session} session
 */
export function followRights(session) {
  session.addEventListener('live', (event) => {
    const change = /** @type {CustomEvent<ChangeEvent | null>} */ (event).detail;
    if (change?.entity_type === 'share') session.refresh();
  });
}
