/** What others have changed since the last visit. */
import { effect, signal } from '@preact/signals';
import { h } from 'preact';
import { countOthers } from '../lib/difference.js';
import { counted } from '../lib/format.js';
import { momentOf } from '../lib/history-words.js';
import { Icon } from './elements.js';

/** @import { Signal } from '@preact/signals' */
/** @import { Reader } from '../editor/history-tools.js' */
/** @import { HistoryStore } from '../stores/history.js' */

/**
 * `at`: milliseconds. `count`: places that others have changed since then.
 * @typedef {{ found: Signal<{ at: number, count: number } | null>, stop: () => void }} VisitChanges
 */

/**
 * Counts the changes since the last visit, again whenever others have edited.
 * @param {{ store: HistoryStore, reader: Reader }} options
 * @returns {VisitChanges}
 */
export function followVisit({ store, reader }) {
  const found = signal(/** @type {{ at: number, count: number } | null} */ (null));
  let last = '';
  const stop = effect(() => {
    const sessions = store.sessions.items.value;
    reader.previousVisit().then(async (time) => {
      if (time === null) return;
      const at = Date.parse(time);
      const theirs = sessions.filter(({ author, last_at: end }) => Date.parse(end) > at && !reader.isOwn(author));
      const newest = String(Math.max(0, ...theirs.map(({ to_seq: seq }) => seq)));
      if (theirs.length === 0 || newest === last) return;
      last = newest;
      const answer = await store.texts.compare(`time:${new Date(at).toISOString()}`, 'now');
      if (newest !== last || !('difference' in answer)) return;
      const deletes = theirs.some(({ deleted }) => deleted > 0);
      const count = countOthers(answer.difference.pieces, { isOwn: reader.isOwn, deletes });
      found.value = count > 0 ? { at, count } : null;
    }, quiet);
  });
  return { found, stop };
}

/** The hint is missing where the server cannot say; the rest of the history tells of the failure. */
const quiet = () => {};

/** @param {{ visit: VisitChanges, isShown: boolean, show: (at: number) => void }} props */
export function HistorySince({ visit, isShown, show }) {
  const found = visit.found.value;
  if (!found) return null;
  return h(
    'button',
    {
      class: 'history-since',
      type: 'button',
      'aria-current': isShown ? 'true' : undefined,
      onClick: () => show(found.at),
    },
    h(Icon, { name: 'clock' }),
    h(
      'span',
      {},
      h('b', {}, `${counted(found.count, 'change')} since your last visit`),
      h('span', {}, momentOf(found.at)),
    ),
    h(Icon, { name: 'right' }),
  );
}
