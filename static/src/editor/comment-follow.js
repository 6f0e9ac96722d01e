/** Follows the marked texts while people type: which threads are beside the text, and which have lost or found theirs. */
import { debounced } from '../lib/dom.js';
import { plainText } from './content.js';
import { saved } from './session-state.js';

/** @import { Discussion } from './discussion.js' */

/** Milliseconds after the last change until threads whose texts have come or gone are read again. */
const READ_AFTER = 900;

/**
 * @param {Discussion} discussion
 * @returns {() => void} to be called when text, selection or marks have changed
 */
export function followText(discussion) {
  let isWaiting = false;
  let gone = '';
  const readSoon = debounced(READ_AFTER, async () => {
    await saved(discussion.session);
    discussion.store.resync();
  });
  const compare = () => {
    isWaiting = false;
    const { marks, session, store } = discussion;
    if (!marks) return;
    const shown = marks.places.filter(({ from, to, inserted }) => from < to || inserted);
    const keys = [...new Set(shown.toSorted((a, b) => a.from - b.from).map(({ key }) => key))];
    const { inMargin, moved } = discussion;
    if (keys.join() !== inMargin.value.join()) inMargin.value = keys;
    moved.value += 1;
    const lost = marks.places.filter(({ from, to, kind }) => kind === 'comment' && from === to).map(({ key }) => key);
    const orphans = store.open.value.filter(({ root }) => root.anchor?.orphaned);
    const text = orphans.length > 0 ? plainText(session.doc) : '';
    const found = orphans.flatMap(({ id, root }) => (text.includes(root.anchor?.quote.trim() ?? '') ? [id] : []));
    const news = [...lost, ...found].join();
    if (news && news !== gone) readSoon();
    gone = news;
  };
  return () => {
    if (isWaiting) return;
    isWaiting = true;
    requestAnimationFrame(compare);
  };
}
