/** Asking for access: for people with an account, where a document is refused or where they want to do more in it. */
import { formDialog } from '../components/dialog.js';
import { toast } from '../components/toast.js';
import { isId } from '../lib/opened-links.js';
import { pageEvents } from '../lib/page-events.js';
import { permissionOptions } from '../lib/permissions.js';
import * as api from '../lib/shares-api.js';
import { mayRetry } from './status-words.js';

/** @import { Permission } from '../lib/share-types.js' */
/** @import { Notice } from './notice.js' */
/** @import { Session } from './session.js' */

const FORBIDDEN = 4403;
const NOT_FOUND = 4404;

/**
 * Asks for what, and sends the request.
 * @param {string} document its id
 * @param {{ more?: boolean, wanted?: Permission }} [options] `more`: the person can open it
 * @returns {Promise<boolean>} whether it was sent
 */
export async function requestDialog(document, { more = false, wanted = 'read' } = {}) {
  const options = permissionOptions().filter(
    ([name]) => !more || (name !== 'read' && (name === 'write' || wanted === 'comment')),
  );
  const sent = await formDialog({
    title: more ? 'Ask for more rights' : 'Request access',
    intro: 'The people who are responsible for the document are asked. They see your name and your e-mail address.',
    fields: [
      {
        name: 'permission',
        label: 'You want',
        type: 'select',
        value: wanted,
        options: options.map(([name, text]) => [name, text.replace('Can', 'To')]),
      },
      {
        name: 'message',
        label: 'Message (optional)',
        type: 'textarea',
        maxlength: 1000,
        placeholder: 'Why you need it',
      },
    ],
    verb: 'Send request',
    act: ({ permission, message }) =>
      api.requestAccess(document, { permission, ...(message ? { message } : {}) }).then(() => true),
  });
  if (sent && more) toast('Your request was sent.');
  return sent !== null;
}

/**
 * Offers to ask where the document of a session is refused, and opens it once access was given.
 * @param {{ session: Session, notice: Notice, tryAgain: () => void }} page
 */
export function bindAccessRequest({ session, notice, tryAgain }) {
  const { address } = session;
  const id = () => session.details?.id ?? (isId(address) ? address : null);
  let isFollowing = false;
  const follow = () => {
    if (isFollowing) return;
    isFollowing = true;
    const look = () => {
      if (session.status.link === 'ended') tryAgain();
    };
    pageEvents().follow({
      apply: ({ entity_type: type, entity_id: entity }) => {
        if (type === 'document' && entity === id()) look();
      },
      resync: look,
    });
  };
  const request = {
    isSent: false,
    // What was open here before, and is not found any more, was deleted.
    mayAsk: (/** @type {import('./status.js').View} */ { code, reason }) =>
      id() !== null && mayRetry({ reason }) && (code === FORBIDDEN || (code === NOT_FOUND && session.details === null)),
    ask: async () => {
      const document = id();
      if (!document || !(await requestDialog(document))) return;
      request.isSent = true;
      follow();
      session.dispatchEvent(new Event('status'));
    },
  };
  notice.request = request;
  session.addEventListener('status', () => {
    if (session.status.link === 'up') request.isSent = false;
  });
  session.dispatchEvent(new Event('status'));
}
