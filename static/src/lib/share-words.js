/** What the pages say about shares. */
import { ago, counted } from './format.js';

/** @import { Access, Share } from './share-types.js' */

/** Days until a share ends, '' for no end, 'date' for a day of one's own. @type {[string, string][]} */
export const ENDS = [
  ['', 'Never'],
  ['1', 'In a day'],
  ['7', 'In a week'],
  ['30', 'In 30 days'],
  ['date', 'On a day…'],
];

const DAY = 86400000;
const day = new Intl.DateTimeFormat('en', { dateStyle: 'medium' });

/**
 * The end of a share as the API takes it: the end of the day that was chosen, or so many days from now.
 * @param {string} choice a value of ENDS
 * @param {string} date such as 2026-12-31; '' where none was given
 * @param {number} now milliseconds
 * @returns {string | null}
 */
export function endOf(choice, date, now) {
  if (choice === '' || (choice === 'date' && date === '')) return null;
  if (choice !== 'date') return new Date(now + Number(choice) * DAY).toISOString();
  const [year, month, number] = date.split('-').map(Number);
  return new Date(year, month - 1, number, 23, 59, 59).toISOString();
}

/**
 * The day of a time as an input of type date has it, in the browser's time zone.
 * @param {string | number} time
 */
export function dateOf(time) {
  const at = new Date(time);
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
}

/** @param {Share} share */
const endWords = ({ expires_at: end, expired }) => end && `${expired ? 'ended' : 'ends'} ${day.format(new Date(end))}`;

/** @param {Share} share */
export const nameOfLink = ({ name }) => name ?? 'Link without a name';

/**
 * @param {number} count
 * @param {number | null} most
 */
function openedWords(count, most) {
  if (count === 0) return most === null ? 'Not opened yet' : `Not opened yet, ${counted(most, 'time')} at most`;
  if (most === null) return count === 1 ? 'Opened once' : `Opened ${counted(count, 'time')}`;
  return `${count < most ? 'Opened' : 'Used up: opened'} ${count} of ${counted(most, 'time')}`;
}

/**
 * How often a link was opened, and until when it works.
 * @param {Share} share
 * @param {number} now milliseconds
 */
export function linkWords(share, now) {
  const { access_count: count, max_uses: most, last_accessed_at: last } = share;
  return [
    openedWords(count, most),
    last && `last ${ago(Date.parse(last), now)}`,
    share.has_password && 'password',
    endWords(share),
  ]
    .filter(Boolean)
    .join(' · ');
}

/** @param {Pick<Share, 'user'>} share */
export const nameOfPerson = ({ user }) => user?.name ?? user?.email ?? 'Somebody';

/**
 * Why a person has access, by a share.
 * @param {Share} share
 */
export function personWords(share) {
  const { user, created_by: by } = share;
  const who = user?.id ? (user.name ? user.email : null) : 'Has no account here yet';
  return [who, by?.name && `${who ? 's' : 'S'}hared by ${by.name}`, endWords(share)].filter(Boolean).join(' · ');
}

/**
 * Who else may open a document: a name, why, and what they may do.
 * @param {Access} access
 * @returns {{ key: string, name: string, why: string, permission: import('./share-types.js').Permission | null }[]}
 */
export function othersOf({ is_public: isPublic, guests, member_count: count, members }) {
  return [
    ...(isPublic
      ? [{ key: 'public', name: 'Everybody', why: 'The document is public', permission: /** @type {const} */ ('read') }]
      : []),
    ...(guests
      ? [{ key: 'guests', name: 'Guests', why: 'The document is in the playground', permission: guests }]
      : []),
    ...(members.length === 0 && count > 0
      ? [{ key: 'members', name: counted(count, 'member'), why: 'Of the document’s workspace', permission: null }]
      : []),
  ];
}
