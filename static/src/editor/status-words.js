/** What the page says about the text being saved, in words; and what a person can do after a verdict. */
import { RESTARTING } from './status.js';

/** @import { Status, View } from './status.js' */

/** @typedef {{ label: string, detail: string }} Words */

/** @type {Record<number, [string, string]>} */
const ENDINGS = {
  4400: ['Disconnected', 'The server did not understand this page. Reload it to get the current version.'],
  4401: ['Not signed in', 'You are not signed in, or your session has ended. Sign in to open this document.'],
  4403: ['No access', 'You do not have access to this document, or it was withdrawn.'],
  4413: [
    'Too large',
    'This page holds more than a document may have, so nothing more of it is stored. Copy what you wrote into a new document, or ask an administrator to raise COLLAB_MAX_DOCUMENT_BYTES.',
  ],
  4404: ['Not found', 'This document was deleted, or never existed.'],
  4409: ['Replaced', 'This document was replaced by a fresh copy.'],
};

const AMBIGUOUS = 'ambiguous_address';
/** @type {[string, string]} */
const NOT_A_MEMBER = [
  'No access',
  'This address is of a workspace that you are not a member of. Sign in with an account that is one.',
];

/**
 * Reasons that say more than their close code. `reads`: the document can be read by a request.
 * @type {Record<string, { said: [string, string], reads?: boolean }>}
 */
const VERDICTS = {
  encrypted_document: {
    said: [
      'Encrypted',
      'This is a password. It was encrypted on its owner’s device, and this page has no key: open it with the application that made it.',
    ],
  },
  not_collaborative: {
    said: [
      'Not shared live',
      'The settings of this document turn editing together off. It can be read here, and programs can edit it.',
    ],
    reads: true,
  },
  [AMBIGUOUS]: { said: NOT_A_MEMBER },
  share_ended: {
    said: [
      'The link has ended',
      'It was revoked, its password was changed, or its time is over. Ask the person who sent it for a new one.',
    ],
  },
  share_used_up: {
    said: ['The link is used up', 'It was opened as often as it may be. Ask the person who sent it for a new one.'],
  },
};
/** @param {{ reason: string }} shown */
const verdict = ({ reason }) => VERDICTS[reason.split(':')[0]];

/**
 * Whether the document can be read by a request.
 * @param {{ reason: string }} shown
 */
export const readable = (shown) => Boolean(verdict(shown)?.reads);

/**
 * Whether trying again may help.
 * @param {{ reason: string }} shown
 */
export const mayRetry = (shown) => !verdict(shown);

/**
 * Whether signing in (as somebody else) may open the document.
 * @param {{ code: number, reason: string }} shown
 */
export const signInHelps = ({ code, reason }) => code === 4401 || reason.startsWith(AMBIGUOUS);

/**
 * @param {Status} state
 * @param {string} otherwise
 */
const keptText = (state, otherwise) =>
  state.keeps && state.kept ? 'Your text is kept in this browser and will be saved.' : otherwise;

/**
 * The words for a view. `detail` may be empty.
 * @param {Status} state
 * @param {View} shown
 * @param {string} [role] in the document
 * @returns {Words}
 */
export function words(state, shown, role) {
  const here = keptText(state, 'Your text is kept in this page; keep it open and it will be saved.');
  switch (shown.kind) {
    case 'connecting':
      return { label: 'Connecting…', detail: '' };
    case 'offline':
      return {
        label: 'Offline',
        detail: state.readOnly ? 'Showing the last version this page has seen.' : `You can go on writing. ${here}`,
      };
    case 'busy': {
      const restarting = shown.code === RESTARTING;
      return {
        label: restarting ? 'Server restarting' : 'Server busy',
        detail: `The server ${restarting ? 'is restarting' : 'is busy'}. ${here}`,
      };
    }
    case 'refused':
      return {
        label: 'Too large',
        detail: 'The document or your last change is larger than the server accepts. Copy your text before you leave.',
      };
    case 'saving':
      return { label: 'Saving…', detail: '' };
    case 'saved':
      return { label: 'Saved', detail: '' };
    case 'delayed':
      return {
        label: 'Not saved yet',
        detail: `The server is connected but has not confirmed that your text is stored. ${here}`,
      };
    case 'viewonly':
      return {
        label: role === 'commenter' ? 'Comments only' : 'View only',
        detail: shown.unsaved ? 'You may no longer edit this document. Your last changes are only in this page.' : '',
      };
    default: {
      const other = ['Disconnected', `The server closed this document (${shown.code}).`];
      const [label, text] = verdict(shown)?.said ?? ENDINGS[shown.code] ?? other;
      return { label, detail: shown.unsaved ? `${text} Your last changes were not saved.` : text };
    }
  }
}
