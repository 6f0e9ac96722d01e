/** What a page does when its document was replaced by a fresh copy: it gives its copy to the server, and loads the new one. */
import * as Y from 'yjs';
import * as api from '../lib/api.js';
import { RequestError } from '../lib/request.js';
import { CODES, LOST } from './events-provider.js';

/** @import { Session } from './session.js' */

const REPLACED = 4409;
/** Milliseconds until the next attempt where the server cannot answer now. */
const AGAIN_AFTER = 2000;
/** HTTP statuses that do not change by trying again. */
const VERDICTS = new Set([400, 401, 403, 404, 409, 413, 422]);

/**
 * Whether a socket was closed because its copy is of a former generation.
 * @param {number} code
 * @param {string} reason
 */
export const isStale = (code, reason) => code === REPLACED && reason.startsWith('stale_generation');

/**
 * Gives the copy of a session to the server, and has the session begin anew. What the server has is not there twice. People
 * can go on typing meanwhile.
 * @param {Session} session
 * @param {string} id of the document
 */
export async function handOver(session, id) {
  const { doc, provider } = session;
  let edits = 0;
  const count = () => {
    edits += 1;
  };
  session.isHandingOver = true;
  provider.shouldConnect = false;
  session.apply({ type: 'closed', code: LOST, at: session.now() });
  doc.on('update', count);
  try {
    let sent = -1;
    while (sent !== edits && !session.readOnly) {
      sent = edits;
      await api.handOver(id, session.generation ?? 0, Y.encodeStateAsUpdate(doc));
    }
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    if (VERDICTS.has(error.status)) {
      session.isHandingOver = false;
      session.end(CODES[error.status] ?? REPLACED, error.code);
    } else setTimeout(() => handOver(session, id), AGAIN_AFTER);
    return;
  } finally {
    doc.off('update', count);
  }
  await session.renew();
}
