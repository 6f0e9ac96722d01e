/** The entries of a document's history, under the days on which they were made. */
import { h } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { find } from '../lib/dom.js';
import { counted } from '../lib/format.js';
import { authorName, authorNames, clockOf, dayOf, kindOf, spanOf, versionName } from '../lib/history-words.js';
import { Avatar, Icon, MenuButton } from './elements.js';
import { useKeptFocus } from './keep-focus.js';

/** @import { EditSession, HistoryAuthor, Version } from '../lib/types.js' */
/** @import { Entry, HistoryStore } from '../stores/history.js' */
/** @import { HistoryActions } from './history-actions.js' */

/** Authors of a version that are shown as avatars. */
const SHOWN = 3;

/** @typedef {(author: HistoryAuthor) => string} ColourOf */

/** @param {{ version: Version }} props */
function VersionText({ version }) {
  const by = authorNames(version.authors);
  return h(
    'span',
    { class: 'history-text' },
    h(
      'b',
      {},
      versionName(version),
      version.pinned &&
        h('span', { class: 'history-pin', title: 'Pinned' }, h(Icon, { name: 'pin' }), hidden('Pinned')),
    ),
    h(
      'span',
      {},
      h('time', { dateTime: version.created_at }, clockOf(version.created_at)),
      ` · ${kindOf(version)}`,
      version.label && ` · Version\u00a0${version.number}`,
    ),
    by && h('span', {}, by),
  );
}

/** @param {string} text */
const hidden = (text) => h('span', { class: 'visually-hidden' }, ` ${text} `);

/** @param {{ session: EditSession }} props */
function SessionText({ session }) {
  const { inserted, deleted } = session;
  return h(
    'span',
    { class: 'history-text' },
    h('b', {}, authorName(session.author)),
    h(
      'span',
      {},
      h('time', { dateTime: session.last_at }, spanOf(session)),
      ' · ',
      h(
        'span',
        { class: 'history-counts', 'aria-hidden': 'true', title: 'Characters inserted and deleted' },
        h('span', { class: 'inserted' }, `+${inserted}`),
        ' ',
        h('span', { class: 'deleted' }, `−${deleted}`),
      ),
      hidden(`${counted(inserted, 'character')} inserted, ${deleted} deleted`),
    ),
  );
}

/**
 * @param {{ entry: Entry, day: string | null, chosen: boolean, choose: () => void, actions: HistoryActions,
 *   colourOf: ColourOf }} props
 */
function Row({ entry, day, chosen, choose, actions, colourOf }) {
  const isVersion = 'version' in entry;
  const authors = isVersion ? entry.version.authors : [entry.session.author];
  const name = isVersion ? versionName(entry.version) : authorName(entry.session.author);
  return h(
    'li',
    { 'data-id': entry.key, class: isVersion ? 'history-row version' : 'history-row' },
    day && h('h3', { class: 'history-day' }, day),
    h(
      'div',
      { class: 'history-line' },
      h(
        'button',
        { class: 'history-entry', type: 'button', 'aria-current': chosen ? 'true' : undefined, onClick: choose },
        isVersion
          ? h(VersionText, { key: 'text', version: entry.version })
          : h(SessionText, { key: 'text', session: entry.session }),
        h(
          'span',
          { class: 'avatars' },
          authors.slice(0, SHOWN).map((author, index) =>
            h(Avatar, {
              key: index,
              name: author.name ?? '',
              colour: colourOf(author),
              picture: author.avatar_url,
            }),
          ),
        ),
      ),
      isVersion && h(MenuButton, { label: `Actions for ${name}`, items: () => actions.items(entry) }),
    ),
  );
}

/**
 * `follows`: the chosen row is scrolled into view.
 * @param {{ store: HistoryStore, chosen: string | null, follows: boolean, choose: (entry: Entry) => void,
 *   actions: HistoryActions, colourOf: ColourOf }} props
 */
export function HistoryTimeline({ store, chosen, follows, choose, actions, colourOf }) {
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  useKeptFocus(list);
  useEffect(() => {
    if (follows) list.current?.querySelector('[aria-current]')?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const entries = store.entries.value;
  const problem = store.problem.value;
  const isLoading = store.isLoading.value;
  const showMore = async () => {
    if (isLoading) return;
    await store.loadMore();
    // The button may be gone now.
    setTimeout(() => {
      const row = list.current?.children[entries.length];
      if (row) find(row, '.history-entry')?.focus();
    });
  };
  const tryAgain = (/** @type {MouseEvent} */ { currentTarget }) => {
    if (currentTarget instanceof Element) currentTarget.closest('section')?.focus();
    store.load();
  };
  const now = new Date();
  let last = '';
  const rows = entries.map((entry) => {
    const found = dayOf(new Date(entry.at).toISOString(), now);
    const day = found === last ? null : found;
    last = found;
    const choice = () => choose(entry);
    return h(Row, { key: entry.key, entry, day, chosen: entry.key === chosen, choose: choice, actions, colourOf });
  });
  return [
    h(
      'ul',
      { key: 'rows', class: 'history-rows', 'aria-label': 'Versions and edits', hidden: rows.length === 0, ref: list },
      rows,
    ),
    isLoading &&
      entries.length === 0 &&
      h('p', { key: 'loading', class: 'nothing', role: 'status' }, 'Loading the history…'),
    store.loaded.value &&
      !isLoading &&
      entries.length === 0 &&
      problem === '' &&
      h(
        'div',
        { key: 'empty', class: 'history-empty' },
        h('b', {}, 'No history yet'),
        h('p', {}, 'Edits appear here when they are saved.'),
      ),
    problem !== '' &&
      h(
        'div',
        { key: 'failed', class: 'form-alert', role: 'alert' },
        h('p', {}, problem),
        h('button', { class: 'button small', type: 'button', onClick: tryAgain }, 'Try again'),
      ),
    store.hasMore.value &&
      problem === '' &&
      entries.length > 0 &&
      h(
        'button',
        {
          key: 'more',
          class: 'button small full',
          type: 'button',
          'aria-disabled': isLoading,
          onClick: showMore,
        },
        isLoading ? 'Loading…' : 'Show more',
      ),
  ];
}
