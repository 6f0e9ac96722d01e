/**
 * What the page may say about the text being saved: a pure state machine without clock, DOM and socket.
 *
 * "Saved" has one meaning: on the socket that is open now, the server's question "what do I lack?" was answered with
 * everything this page holds (a SyncStep2), nothing was typed since that did not leave through this socket, and the
 * server has confirmed that every content message of this socket is committed. Counting alone is not enough: a socket
 * can confirm a fresh edit before the edits made while offline have been sent at all.
 *
 * Times are milliseconds of one monotonic or wall clock, supplied by the caller.
 */

export const DELAYED_AFTER = 5000;
export const BUSY_FOR = 10000;
const MARK_SPAN = 250;
const MARKS_KEPT = 64;

const TOO_BIG = 1009;
export const RESTARTING = 1012;
const TRY_LATER = 1013;
const TOO_MANY = 4529;

/**
 * Whether connecting again after this close code would give the same result.
 * @param {number} code
 */
export const isFinal = (code) => code >= 4400 && code < 4500;

/**
 * @typedef {{ upTo: number, at: number }} Mark the time at which the messages up to a number were sent
 * @typedef {{ code: number, reason: string, at: number }} Closure
 * @typedef {object} Status
 * @property {'dialling' | 'up' | 'down' | 'ended'} link
 * @property {boolean} everUp
 * @property {number} openedAt
 * @property {boolean} answered a SyncStep2 left through this socket
 * @property {number} sent content messages sent on this socket
 * @property {number} committed of those, the first n that are committed
 * @property {Mark[]} marks when the unconfirmed ones were sent, oldest first
 * @property {number} unsent edits that left through no socket yet
 * @property {boolean} dirty edits of this page that no server has confirmed
 * @property {boolean} confirmed everything this page held has been committed at least once
 * @property {boolean} keeps this browser holds a copy of the document
 * @property {boolean} kept the copy includes the last edit
 * @property {boolean} readOnly
 * @property {Closure | null} closure why the socket is down
 * @property {{ code: number, at: number } | null} busy the last closure that said "later"
 */

/**
 * @typedef {{ type: 'dialling' } | { type: 'opened' | 'answered' | 'sent', at: number } | { type: 'committed', count: number }
 *   | { type: 'closed', code: number, reason?: string, at: number } | { type: 'edited', own?: boolean }
 *   | { type: 'keeping', keeps: boolean } | { type: 'kept' } | { type: 'role', readOnly: boolean }} StatusEvent
 */

/** @typedef {{ kind: string, unsaved: boolean, code: number, reason: string }} View */

/** @returns {Status} */
export function initialStatus({ readOnly = false, keeps = false } = {}) {
  return {
    link: 'dialling', // dialling | up | down | ended
    everUp: false,
    openedAt: 0,
    answered: false, // a SyncStep2 left through this socket
    sent: 0, // content messages sent on this socket
    committed: 0, // of those, the first n that are committed
    marks: [], // when the unconfirmed ones were sent: {upTo, at}, oldest first
    unsent: 0, // edits that left through no socket yet
    dirty: false, // edits of this page that no server has confirmed
    confirmed: false, // everything this page held has been committed at least once
    keeps, // this browser holds a copy of the document
    kept: true, // ... and the copy includes the last edit
    readOnly,
    closure: null, // why the socket is down: {code, reason, at}
    busy: null, // the last closure that said "later": {code, at}
  };
}

/**
 * Whether every edit this page knows of is committed.
 * @param {Status} state
 */
export const allCommitted = (state) =>
  state.link === 'up' && state.answered && state.unsent === 0 && state.committed === state.sent;

/**
 * Whether closing the page now would lose nothing.
 * @param {Status} state
 */
export const mayLeave = (state) => !state.dirty || (state.keeps && state.kept);

/**
 * @param {Mark[]} marks
 * @param {number} upTo
 * @param {number} at
 */
function mark(marks, upTo, at) {
  const last = marks.at(-1);
  if (last && (at - last.at < MARK_SPAN || marks.length >= MARKS_KEPT)) {
    return [...marks.slice(0, -1), { upTo, at: last.at }];
  }
  return [...marks, { upTo, at }];
}

const silent = { answered: false, sent: 0, committed: 0, marks: [] };

/**
 * Events: dialling, opened{at}, answered{at} (a SyncStep2 left), sent{at} (an Update left), committed{count},
 * closed{code, reason, at}, edited{own} (the document changed here; own: by the reader, not by the browser's copy),
 * keeping{keeps}, kept, role{readOnly}.
 * @param {Status} state
 * @param {StatusEvent} event
 * @returns {Status}
 */
export function reduce(state, event) {
  switch (event.type) {
    case 'dialling':
      return state.link === 'ended' ? { ...state, link: 'dialling', closure: null, busy: null } : state;
    case 'opened':
      return { ...state, ...silent, link: 'up', everUp: true, openedAt: event.at, closure: null };
    case 'edited':
      return { ...state, unsent: state.unsent + 1, ...(event.own ? { dirty: true, kept: false } : {}) };
    case 'answered':
    case 'sent': {
      const sent = state.sent + 1;
      const answered = state.answered || event.type === 'answered';
      const unsent = event.type === 'answered' ? 0 : Math.max(0, state.unsent - 1);
      return { ...state, sent, answered, unsent, marks: mark(state.marks, sent, event.at) };
    }
    case 'committed': {
      if (state.link !== 'up' || event.count <= state.committed || event.count > state.sent) return state;
      const next = {
        ...state,
        committed: event.count,
        marks: state.marks.filter(({ upTo }) => upTo > event.count),
        busy: null,
      };
      return allCommitted(next) && !next.readOnly ? { ...next, dirty: false, confirmed: true } : next;
    }
    case 'closed': {
      const { code, reason = '', at } = event;
      const later = code === RESTARTING || code === TRY_LATER || code === TOO_MANY;
      return {
        ...state,
        ...silent,
        link: isFinal(code) ? 'ended' : 'down',
        closure: { code, reason, at },
        busy: later ? { code, at } : state.busy,
      };
    }
    case 'keeping':
      return { ...state, keeps: event.keeps, kept: event.keeps };
    case 'kept':
      return { ...state, kept: true };
    case 'role':
      return { ...state, readOnly: event.readOnly };
    default:
      throw new RangeError(`unknown event ${JSON.stringify(event)}`);
  }
}

/**
 * What to show at the time `now`: {kind, code, reason, unsaved}. Kinds: connecting, offline, busy, refused, saving,
 * delayed, saved, viewonly, ended. `unsaved`: this page has edits that are not saved.
 * @param {Status} state
 * @param {number} now
 * @returns {View}
 */
export function view(state, now) {
  const unsaved = state.dirty;
  const of = (/** @type {string} */ kind) => ({
    kind,
    unsaved,
    code: state.closure?.code ?? 0,
    reason: state.closure?.reason ?? '',
  });
  if (state.link === 'ended') return of('ended');
  if (state.link === 'dialling') return of('connecting');
  if (state.link === 'down') {
    if (state.closure?.code === TOO_BIG) return of('refused');
    if (state.busy && now - state.busy.at < BUSY_FOR) return { ...of('busy'), code: state.busy.code };
    return of('offline');
  }
  if (state.readOnly) return of('viewonly');
  const late = (/** @type {number} */ since) => now - since > DELAYED_AFTER;
  if (!state.answered) return of(unsaved && late(state.openedAt) ? 'delayed' : 'connecting');
  if (allCommitted(state)) return of('saved');
  return of(state.marks.length > 0 && late(state.marks[0].at) ? 'delayed' : 'saving');
}
