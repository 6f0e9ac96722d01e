/** What the person may do in the open document, after somebody has changed its shares. */

/** @import { ChangeEvent } from '../lib/types.js' */
/** @import { Session } from './session.js' */

/**
 * Reads the person's rights again when a share was changed. Connects again where they have more than the socket has,
 * which has told the server that it only reads.
 * @param {Session} session
 */
export function followRights(session) {
  session.addEventListener('live', async (event) => {
    const change = /** @type {CustomEvent<ChangeEvent | null>} */ (event).detail;
    if (change?.entity_type !== 'share') return;
    const wasReading = session.status.readOnly;
    const before = session.details?.role;
    await session.refresh();
    const { role } = session.details ?? {};
    if (!wasReading || role === before || (role !== 'editor' && role !== 'admin')) return;
    session.provider.disconnect();
    session.connect();
  });
}
