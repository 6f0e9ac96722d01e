/** The history of the open document, in a panel at the side. On a narrow screen it fills the page. */
import { effect, signal } from '@preact/signals';
import { h, render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { find, h as element } from '../lib/dom.js';
import { peopleIn } from '../editor/presence-panel.js';
import { personColour } from '../lib/presence-names.js';
import { HistoryStore } from '../stores/history.js';
import { Icon } from './elements.js';
import { HistoryActions, announce } from './history-actions.js';
import { HistoryPreview } from './history-preview.js';
import { HistoryTimeline } from './history-timeline.js';

/** @import { ChangeEvent, HistoryAuthor } from '../lib/types.js' */
/** @import { Session } from '../editor/session.js' */

const narrow = matchMedia('(max-width: 800px)');
/** What the panel covers on a narrow screen. */
const COVERED = '.skip, .bar, main, .notice';

/** @type {{ close: () => void, focus: () => void } | null} */
let opened = null;

/**
 * The colour of a person who is here now is the one that was chosen.
 * @param {Session} session
 */
const colours =
  (session) =>
  (/** @type {HistoryAuthor} */ { id, name }) =>
    peopleIn(session.awareness).find((person) => person.name === name)?.colour ?? personColour({ user_id: id, name });

/**
 * Opens the history of the document; where it is open, moves the focus into it.
 * @param {Session} session
 */
export function openHistory(session) {
  if (opened) {
    opened.focus();
    return;
  }
  const { details } = session;
  if (!details) return;
  const before = document.activeElement;
  const store = new HistoryStore({ document: details.id });
  const chosen = signal(/** @type {string | null} */ (null));
  const said = signal('');
  const view = { changes: signal(false), since: signal(/** @type {'before' | 'now'} */ ('before')) };
  const root = element('div', { class: 'history' });

  const focusEntry = (/** @type {string | null} */ key) => {
    const row = [...root.querySelectorAll('li[data-id]')].find(
      (each) => each instanceof HTMLElement && each.dataset.id === key,
    );
    (row ? find(row, '.history-entry') : find(root, '.history-panel'))?.focus();
  };
  const back = () => {
    const key = chosen.value;
    chosen.value = null;
    // The panel is inert on a narrow screen until it is rendered again.
    setTimeout(() => focusEntry(key));
  };
  const actions = new HistoryActions({
    doc: () => session.details ?? details,
    store,
    back,
    say: (text) => {
      said.value = text;
      announce(text);
    },
  });
  const live = (/** @type {Event} */ event) => {
    const change = /** @type {CustomEvent<ChangeEvent | null>} */ (event).detail;
    if (change) store.apply(change);
    else store.resync();
  };
  const cover = () => {
    for (const each of document.querySelectorAll(COVERED)) {
      const isCovered = narrow.matches || (chosen.value !== null && each.matches('main'));
      each.toggleAttribute('inert', isCovered);
    }
  };
  const close = () => {
    opened = null;
    session.removeEventListener('live', live);
    narrow.removeEventListener('change', cover);
    stopCovering();
    render(null, root);
    root.remove();
    delete document.body.dataset.history;
    for (const each of document.querySelectorAll(COVERED)) each.toggleAttribute('inert', false);
    if (before instanceof HTMLElement) before.focus();
  };
  const keyed = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== 'Escape' || event.defaultPrevented) return;
    event.preventDefault();
    if (chosen.value === null) close();
    else back();
  };
  root.addEventListener('keydown', keyed);

  const History = () => {
    const panel = useRef(/** @type {HTMLElement | null} */ (null));
    useEffect(() => panel.current?.focus(), []);
    const entry = store.entries.value.find(({ key }) => key === chosen.value);
    useEffect(() => {
      if (!entry && document.activeElement === document.body) panel.current?.focus();
    }, [entry?.key]);
    return [
      entry && h(HistoryPreview, { key: 'preview', entry, store, actions, view, close: back, keyed }),
      h(
        'section',
        {
          key: 'panel',
          class: 'history-panel',
          role: 'dialog',
          'aria-labelledby': 'history-title',
          tabIndex: -1,
          ref: panel,
          inert: Boolean(entry) && narrow.matches,
        },
        h(
          'header',
          { class: 'history-head' },
          h('h2', { id: 'history-title' }, 'History'),
          h(
            'button',
            { class: 'icon-button', type: 'button', 'aria-label': 'Close the history', title: 'Close', onClick: close },
            h(Icon, { name: 'close' }),
          ),
        ),
        h(
          'div',
          { class: 'history-body' },
          actions.mayEdit &&
            h(
              'button',
              { class: 'button full', type: 'button', onClick: () => actions.nameNow() },
              h(Icon, { name: 'plus' }),
              'Name this version',
            ),
          said.value && h('p', { class: 'history-said' }, said.value),
          h(HistoryTimeline, {
            store,
            chosen: entry?.key ?? null,
            choose: (/** @type {{ key: string }} */ { key }) => {
              said.value = '';
              chosen.value = key;
            },
            actions,
            colourOf: colours(session),
          }),
        ),
      ),
    ];
  };

  document.body.append(root);
  document.body.dataset.history = '';
  render(h(History, {}), root);
  const stopCovering = effect(() => {
    const isKnown = store.entries.value.some(({ key }) => key === chosen.value);
    if (!isKnown) chosen.value = null;
    cover();
  });
  narrow.addEventListener('change', cover);
  session.addEventListener('live', live);
  opened = { close, focus: () => find(root, '.history-panel')?.focus() };
  store.load();
}
