/** What this browser notes of the open document, so that it opens without a network and no text is lost. */
import { memory } from '../lib/identity.js';
import { forgetDocument, keepDocument } from '../lib/kept-answers.js';
import { lookForUpdate } from '../lib/offline.js';
import { allCommitted } from './status.js';

/** @import { Session } from './session.js' */

/** Close codes after which the person may not open the document any more: 4403 no access, 4404 not found. */
const GONE = new Set([4403, 4404]);

/**
 * Whether the copy has text that the server has not confirmed: also after a reload without a network.
 * @param {Session} session
 */
function noteUnsent({ status, details, copy }) {
  if (!details || !copy) return;
  const key = `unsent:${details.id}`;
  if (!status.dirty) {
    if (status.confirmed && allCommitted(status)) memory.set(key, null);
  } else if (memory.get(key) === null) memory.set(key, '1');
}

/**
 * Keeps the details of a session's document, and forgets it where the server refuses it.
 * @param {Session} session
 */
export function keepOpenDocument(session) {
  let link = session.status.link;
  session.addEventListener('details', () => {
    if (session.details && session.status.link !== 'ended') keepDocument(session.details, session.address);
  });
  session.addEventListener('status', () => {
    noteUnsent(session);
    const { status, details } = session;
    if (status.link === link) return;
    ({ link } = status);
    if (details && link === 'ended' && GONE.has(status.closure?.code ?? 0)) forgetDocument(details.id);
    // The server may have been started anew, with other files.
    if (link === 'up') lookForUpdate();
  });
}
