/** The moments of a document's history that a person can slide through. */

/** @import { Entry } from '../stores/history.js' */

/**
 * A point as requests name it: a version, a row of the log, or a time.
 * @typedef {{ number: number } | { seq: number } | { time: string }} ContentPoint
 */

/**
 * `at`: milliseconds. `isEnd`: the version, or the end of the session; otherwise a moment within a session.
 * @typedef {{ key: string, at: number, entry: Entry, point: ContentPoint, isEnd: boolean }} Moment
 */

/** Milliseconds between two moments of a short session. */
const APART = 10000;
/** Moments within one session, at most. */
const MOST = 12;

/**
 * The moment of an entry as the list shows it.
 * @param {Entry} entry
 * @returns {Moment}
 */
export const endOf = (entry) => ({
  key: entry.key,
  at: entry.at,
  entry,
  isEnd: true,
  point: 'version' in entry ? { number: entry.version.number } : { seq: entry.session.to_seq },
});

/**
 * A session that goes on keeps its moments, or every other one of them.
 * @param {Entry} entry
 * @returns {Moment[]}
 */
function momentsWithin(entry) {
  if (!('session' in entry)) return [];
  const first = Date.parse(entry.session.first_at);
  let step = APART;
  while ((entry.at - first) / step > MOST) step *= 2;
  const moments = [];
  for (let at = first; at < entry.at; at += step) {
    const time = new Date(at).toISOString();
    moments.push({ key: `${entry.key} ${time}`, at, entry, isEnd: false, point: { time } });
  }
  return moments;
}

/**
 * The oldest first.
 * @param {Entry[]} entries the newest first
 * @returns {Moment[]}
 */
export const momentsOf = (entries) =>
  entries
    .toReversed()
    .flatMap((entry) => [...momentsWithin(entry), endOf(entry)])
    .sort((a, b) => a.at - b.at);

/**
 * The number of a moment; where it is gone, that of the last moment before it. -1: there is none at all.
 * @param {Moment[]} moments
 * @param {{ key: string, at: number }} wanted
 */
export function placeOf(moments, { key, at }) {
  const same = moments.findIndex((moment) => moment.key === key);
  if (same >= 0) return same;
  const later = moments.findIndex((moment) => moment.at > at);
  return later < 0 ? moments.length - 1 : Math.max(0, later - 1);
}

/**
 * A point as requests for differences name it.
 * @param {ContentPoint} point
 */
export function nameOf(point) {
  if ('number' in point) return String(point.number);
  return 'seq' in point ? `seq:${point.seq}` : `time:${point.time}`;
}
