/**
 * What the page may claim about the reader's text: a pure state machine, no clock, no DOM, no socket.
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
const RESTARTING = 1012;
const TRY_LATER = 1013;
const TOO_MANY = 4529;

/** @returns {boolean} whether a close code is a verdict that dialling again cannot change */
export const isFinal = (code) => code >= 4400 && code < 4500;

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

/** @returns {boolean} whether every edit this page knows of is committed */
export const allCommitted = (state) =>
  state.link === 'up' && state.answered && state.unsent === 0 && state.committed === state.sent;

/** @returns {boolean} whether closing the page now would lose nothing */
export const mayLeave = (state) => !state.dirty || (state.keeps && state.kept);

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
      throw new RangeError(`unknown event ${event.type}`);
  }
}

/**
 * What to show at the time `now`: {kind, code, reason, unsaved}. Kinds: connecting, offline, busy, refused, saving,
 * delayed, saved, viewonly, ended. `unsaved` says whether edits of this page are at stake.
 */
export function view(state, now) {
  const unsaved = state.dirty;
  const of = (kind) => ({ kind, unsaved, code: state.closure?.code ?? 0, reason: state.closure?.reason ?? '' });
  if (state.link === 'ended') return of('ended');
  if (state.link === 'dialling') return of('connecting');
  if (state.link === 'down') {
    if (state.closure?.code === TOO_BIG) return of('refused');
    if (state.busy && now - state.busy.at < BUSY_FOR) return { ...of('busy'), code: state.busy.code };
    return of('offline');
  }
  if (state.readOnly) return of('viewonly');
  const late = (since) => now - since > DELAYED_AFTER;
  if (!state.answered) return of(unsaved && late(state.openedAt) ? 'delayed' : 'connecting');
  if (allCommitted(state)) return of('saved');
  return of(state.marks.length > 0 && late(state.marks[0].at) ? 'delayed' : 'saving');
}

const ENDINGS = {
  4400: ['Disconnected', 'The server did not understand this page. Reload it to get the current version.'],
  4401: ['Not signed in', 'You are not signed in, or your session has ended. Sign in to open this document.'],
  4403: ['No access', 'You do not have access to this document, or it was withdrawn.'],
  4413: ['Too large', 'This page holds more than a document may have, so nothing more of it is stored. Copy what you wrote into a new document, or ask an administrator to raise COLLAB_MAX_DOCUMENT_BYTES.'],
  4404: ['Not found', 'This document was deleted, or never existed.'],
  4409: ['Replaced', 'This document was replaced by another version. Reload to see it.'],
};

const AMBIGUOUS = 'ambiguous_address';
const NOT_A_MEMBER = ['No access', 'This address is of a workspace that you are not a member of. Sign in with an account that is one.'];

/** Verdicts that say more than their close code. `reads`: requests give what the document says. */
const VERDICTS = {
  encrypted_document: {
    said: ['Encrypted', 'This is a password. It was encrypted on its owner’s device, and this page has no key: open it with the application that made it.'],
  },
  not_collaborative: { said: ['Not shared live', 'The settings of this document turn editing together off. It can be read here, and programs can edit it.'], reads: true },
  [AMBIGUOUS]: { said: NOT_A_MEMBER },
};
const verdict = ({ reason }) => VERDICTS[reason.split(':')[0]];

/** @returns {boolean} whether the document can be read all the same, by a request */
export const readable = (shown) => Boolean(verdict(shown)?.reads);

/** @returns {boolean} whether trying again may help: a verdict on the document itself stays */
export const mayRetry = (shown) => !verdict(shown);

/** @returns {boolean} whether signing in (as somebody else) may open the document */
export const signInHelps = ({ code, reason }) => code === 4401 || reason.startsWith(AMBIGUOUS);

const keptText = (state, otherwise) =>
  state.keeps && state.kept ? 'Your text is kept in this browser and will be saved.' : otherwise;

/** The words for a view: {label, detail}; `detail` is empty when the label says it all. */
export function words(state, shown) {
  const here = keptText(state, 'Your text is kept in this page; keep it open and it will be saved.');
  switch (shown.kind) {
    case 'connecting':
      return { label: 'Connecting…', detail: '' };
    case 'offline':
      return { label: 'Offline', detail: state.readOnly ? 'Showing the last version this page has seen.' : `You can go on writing. ${here}` };
    case 'busy': {
      const restarting = shown.code === RESTARTING;
      return {
        label: restarting ? 'Server restarting' : 'Server busy',
        detail: `The server ${restarting ? 'is restarting' : 'is busy'}. ${here}`,
      };
    }
    case 'refused':
      return { label: 'Too large', detail: 'The document or your last change is larger than the server accepts. Copy your text before you leave.' };
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
        label: 'View only',
        detail: shown.unsaved ? 'You may no longer edit this document. Your last changes are only in this page.' : '',
      };
    default: {
      const other = ['Disconnected', `The server closed this document (${shown.code}).`];
      const [label, text] = verdict(shown)?.said ?? ENDINGS[shown.code] ?? other;
      return { label, detail: shown.unsaved ? `${text} Your last changes were not saved.` : text };
    }
  }
}
