/** Words for the entries of a document's history. */
import { counted } from './format.js';

/** @import { Entry } from '../stores/history.js' */
/** @import { Moment } from './moments.js' */
/** @import { ChangesSummary, EditSession, HistoryAuthor, Version } from './types.js' */

/** @type {Record<Version['kind'], string>} */
const KINDS = {
  auto: 'Saved automatically',
  manual: 'Saved by hand',
  restore: 'Before a restore',
  import: 'Before an import',
  'before-deletion': 'Before a large deletion',
  conversion: 'Before a conversion',
};

/** @param {Version} version */
export const kindOf = ({ kind }) => KINDS[kind] ?? 'Version';

/** @param {Version} version */
export const versionName = ({ number, label }) => label || `Version ${number}`;

/**
 * Such as "Ada", "Quiet Heron (guest)", "Ada (program)".
 * @param {HistoryAuthor} author
 */
export function authorName({ kind, name, relayed }) {
  if (kind === 'unknown') return 'Somebody unknown';
  const known = name || (kind === 'guest' ? 'A guest' : 'Somebody');
  const note = kind === 'api_client' ? ' (program)' : kind === 'guest' && name ? ' (guest)' : '';
  return relayed ? `Delivered by ${known}${note}` : known + note;
}

/** @param {HistoryAuthor[]} authors */
export function authorNames(authors) {
  const names = [...new Set(authors.map(authorName))];
  if (names.length > 3) return `${names.slice(0, 2).join(', ')} and ${counted(names.length - 2, 'other')}`;
  return names.length > 1 ? `${names.slice(0, -1).join(', ')} and ${names.at(-1)}` : names.join('');
}

const clockFormat = new Intl.DateTimeFormat('en', { timeStyle: 'short' });
const dateFormat = new Intl.DateTimeFormat('en', { dateStyle: 'long' });

const exactFormat = new Intl.DateTimeFormat('en', { timeStyle: 'medium' });

/**
 * @param {string} iso
 * @param {boolean} [exact] with seconds
 */
export const clockOf = (iso, exact = false) => (exact ? exactFormat : clockFormat).format(new Date(iso));

/**
 * Such as "10:05 AM – 10:40 AM"; one time where both are the same.
 * @param {EditSession} session
 */
export function spanOf({ first_at: first, last_at: last }) {
  const [from, to] = [clockOf(first), clockOf(last)];
  if (dateFormat.format(new Date(first)) !== dateFormat.format(new Date(last))) return `until ${to}`;
  return from === to ? to : `${from} – ${to}`;
}

/**
 * "Today", "Yesterday", or the date.
 * @param {string} iso
 * @param {Date} now
 */
export function dayOf(iso, now) {
  const day = dateFormat.format(new Date(iso));
  if (day === dateFormat.format(now)) return 'Today';
  const before = new Date(now);
  before.setDate(before.getDate() - 1);
  return day === dateFormat.format(before) ? 'Yesterday' : day;
}

const weekdayFormat = new Intl.DateTimeFormat('en', { weekday: 'long' });
/** Milliseconds. Days before are named by their dates. */
const WEEK = 6 * 24 * 3600 * 1000;

/**
 * Such as "Today, 2:03 PM", "Tuesday, 2:03 PM", "March 3, 2026, 2:03 PM".
 * @param {number} at milliseconds
 * @param {boolean} [exact] with seconds
 * @param {Date} [now]
 */
export function momentOf(at, exact = false, now = new Date()) {
  const iso = new Date(at).toISOString();
  const day = dayOf(iso, now);
  const isNamed = day === 'Today' || day === 'Yesterday' || now.getTime() - at > WEEK;
  return `${isNamed ? day : weekdayFormat.format(at)}, ${clockOf(iso, exact)}`;
}

/**
 * Such as "2 lines added, 1 line removed".
 * @param {ChangesSummary} summary
 */
export function summaryOf({ added, removed, modified }) {
  const parts = [
    added > 0 && `${counted(added, 'line')} added`,
    removed > 0 && `${counted(removed, 'line')} removed`,
    modified > 0 && `${counted(modified, 'line')} changed`,
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(', ') : 'No differences';
}

/** @param {Entry} entry */
export const entryName = (entry) =>
  'version' in entry ? versionName(entry.version) : `Edits by ${authorName(entry.session.author)}`;

/** @param {Moment} moment */
export const momentText = ({ at, entry, isEnd }) => `${momentOf(at, !isEnd)}, ${entryName(entry)}`;

/**
 * Such as "Ada, Today, 10:05 AM".
 * @param {HistoryAuthor} author
 * @param {number | null} at milliseconds
 */
export const creditText = (author, at) => [authorName(author), at !== null && momentOf(at)].filter(Boolean).join(', ');

/** @param {HistoryAuthor} author */
export const authorKey = ({ kind, id, name, relayed }) => [kind, id ?? name ?? '', relayed ? 'relayed' : ''].join(':');
