/** The entries of the document menu that lead to the document's history. */
import { bring } from '../lib/bring.js';
import { rememberVisit } from '../lib/visits.js';
import * as api from '../lib/api.js';
import { shownName } from '../lib/identity.js';
import { kindOf } from './session-state.js';

/** @import { Items } from '../components/menu.js' */
/** @import { CurrentUser, HistoryAuthor } from '../lib/types.js' */
/** @import { Blame } from './blame.js' */
/** @import { Session } from './session.js' */

/**
 * Who reads the history. `previousVisit`: when the visit before this one ended.
 * @typedef {{ isOwn: (author: HistoryAuthor) => boolean, previousVisit: () => Promise<string | null> }} Reader
 */

/**
 * @param {Session} session
 * @param {CurrentUser | null} who an account; null for everybody else
 * @returns {Reader}
 */
export function readerOf(session, who) {
  const isOwn = (/** @type {HistoryAuthor} */ { id, kind, name }) =>
    who ? kind === 'user' && id === who.id : kind === 'guest' && name === ownName(session);
  /** @type {Promise<string | null> | null} */
  let visit = null;
  const find = async () => {
    const { details } = session;
    if (!details) return null;
    return who ? (await api.visit(details.id)).previous_at : rememberVisit(details.id);
  };
  const previousVisit = () => {
    visit ??= find().catch((error) => {
      visit = null;
      throw error;
    });
    return visit;
  };
  if (!who) {
    if (session.details) previousVisit();
    else session.addEventListener('details', () => previousVisit(), { once: true });
  }
  return { isOwn, previousVisit };
}

/** @param {Session} session */
const ownName = (session) => shownName(session.awareness.getLocalState()?.user?.name) || null;

/**
 * @param {Session} session
 * @param {CurrentUser | null} who
 * @returns {() => Items}
 */
export function historyMenu(session, who) {
  const reader = readerOf(session, who);
  /** @type {Blame | null} */
  let blame = null;
  const load = async () => {
    const { blameOf } = await bring(() => import('./blame.js'));
    blame = blameOf(session, who);
    return blame;
  };
  return () => [
    {
      label: 'History',
      icon: 'clock',
      act: async () => {
        const [{ openHistory }, made] = await Promise.all([
          bring(() => import('../components/history-panel.js')),
          load(),
        ]);
        openHistory(session, { reader, blame: made });
      },
    },
    // Rich text cannot be tinted by its authors yet.
    kindOf(session) === 'markdown' && {
      label: blame?.isOn.value ? 'Hide who wrote what' : 'Show who wrote what',
      icon: 'brush',
      act: async () => {
        const made = await load();
        made.show(!made.isOn.value);
      },
    },
  ];
}
