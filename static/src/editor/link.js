/** The link by which a document was opened: its token goes with requests and sockets until the link has ended. */
import { findOpened, forgetOpened, isId } from '../lib/opened-links.js';
import { dropLink, useLink } from '../lib/request.js';
import { LOST } from './events-provider.js';

/** @import { Opened } from '../lib/opened-links.js' */
/** @import { Session } from './session.js' */

const UNAUTHENTICATED = 4401;
const FORBIDDEN = 4403;
const ENDED = 'share_ended';

/**
 * Returns the link that was opened in this tab for an address.
 * @param {string} address
 * @returns {Opened | null}
 */
export const linkFor = (address) => (isId(address) ? findOpened(address) : null);

/**
 * Sends the link's token with the requests of a session's page.
 * @param {Session} session
 * @param {Opened | null} opened
 */
export function bindLink(session, opened) {
  if (!opened) return;
  useLink({
    token: opened.token,
    dropped: () => {
      forgetOpened(session.address);
      session.link = null;
      delete session.provider.params.share;
    },
  });
}

/**
 * Whether a socket was closed because of the link.
 * @param {Session} session
 * @param {number} code
 * @param {string} reason
 */
export const isOfLink = ({ link }, code, reason) =>
  reason.startsWith('share_') ||
  (link !== null && (code === UNAUTHENTICATED || (code === FORBIDDEN && reason.startsWith('forbidden'))));

/**
 * Goes on without the link that has ended, where the person is signed in. Everybody else is told.
 * @param {Session} session
 * @param {number} code
 * @param {string} reason
 */
export async function leaveLink(session, code, reason) {
  session.apply({ type: 'closed', code: LOST, at: session.now() });
  // A request may have found out before.
  const isDropped = session.provider.params.share === undefined;
  if (isDropped || (await dropLink())) session.connect();
  else session.end(code, code === FORBIDDEN && !reason.startsWith('share_') ? ENDED : reason);
}
