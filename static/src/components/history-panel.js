/** The history of the open document, in a panel at the side. On a narrow screen it fills the page. */
import { computed, effect, signal } from '@preact/signals';
import { h, render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { find, h as element } from '../lib/dom.js';
import { endOf, momentsOf, placeOf } from '../lib/moments.js';
import { HistoryStore } from '../stores/history.js';
import { Icon, Switch } from './elements.js';
import { HistoryActions, announce } from './history-actions.js';
import { HistoryPreview } from './history-preview.js';
import { HistorySince, followVisit } from './history-since.js';
import { HistoryTimeline } from './history-timeline.js';
import { leaveSide, takeSide } from './side-panel.js';

/** @import { Blame } from '../editor/blame.js' */
/** @import { Reader } from '../editor/history-tools.js' */
/** @import { Session } from '../editor/session.js' */
/** @import { Moment } from '../lib/moments.js' */
/** @import { ChangeEvent } from '../lib/types.js' */
/** @import { Entry } from '../stores/history.js' */
/** @import { Scene } from './history-preview.js' */

const narrow = matchMedia('(max-width: 800px)');
const VISIT = 'visit';
/** What the panel covers on a narrow screen. */
const COVERED = '.skip, .bar, main, .notice';

/** @type {{ close: () => void, focus: () => void } | null} */
let opened = null;

/**
 * What is shown. A moment within a session may be gone once the session goes on; another one is near it.
 * @param {{ key: string, at: number } | null} chosen
 * @param {Moment[]} moments
 * @returns {Scene | null}
 */
function sceneOf(chosen, moments) {
  if (!chosen) return null;
  if (chosen.key === VISIT) return { ...chosen, visit: true };
  const moment = moments[placeOf(moments, chosen)];
  const isSame = moment?.key === chosen.key || (moment && chosen.key.startsWith(`${moment.entry.key} `));
  return isSame ? { key: moment.key, moment, visit: false } : null;
}

/** @param {Scene | null} scene */
const entryOf = (scene) => (scene?.visit ? VISIT : (scene?.moment.entry.key ?? null));

/**
 * Opens the history of the document; where it is open, moves the focus into it.
 * @param {Session} session
 * @param {{ reader: Reader, blame: Blame }} options
 */
export function openHistory(session, { reader, blame }) {
  if (opened) {
    opened.focus();
    return;
  }
  const { details } = session;
  if (!details) return;
  const before = document.activeElement;
  const store = new HistoryStore({ document: details.id });
  const moments = computed(() => momentsOf(store.entries.value));
  const chosen = signal(/** @type {{ key: string, at: number } | null} */ (null));
  const scene = computed(() => sceneOf(chosen.value, moments.value));
  const said = signal('');
  const view = {
    changes: signal(false),
    since: signal(/** @type {'before' | 'now'} */ ('before')),
    slides: signal(false),
  };
  const { colourOf } = blame;
  const visit = followVisit({ store, reader });
  const root = element('div', { class: 'history' });

  const choose = (/** @type {{ key: string, at: number }} */ { key, at }, /** @type {boolean} */ slides) => {
    said.value = '';
    view.slides.value = slides;
    chosen.value = { key, at };
  };
  const focusEntry = (/** @type {string | null} */ key) => {
    const row = [...root.querySelectorAll('li[data-id]')].find(
      (each) => each instanceof HTMLElement && each.dataset.id === key,
    );
    (row ? find(row, '.history-entry') : find(root, '.history-panel'))?.focus();
  };
  const back = () => {
    const key = entryOf(scene.value);
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
    leaveSide(close);
    session.removeEventListener('live', live);
    narrow.removeEventListener('change', cover);
    stopCovering();
    visit.stop();
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
    const shown = scene.value;
    const key = entryOf(shown);
    useEffect(() => {
      if (!shown && document.activeElement === document.body) panel.current?.focus();
    }, [key]);
    const newest = moments.value.at(-1);
    return [
      shown &&
        h(HistoryPreview, {
          key: 'preview',
          scene: shown,
          moments: moments.value,
          choose: (/** @type {Moment} */ moment) => choose(moment, true),
          store,
          actions,
          colourOf,
          view,
          close: back,
          keyed,
        }),
      h(
        'section',
        {
          key: 'panel',
          class: 'history-panel',
          role: 'dialog',
          'aria-labelledby': 'history-title',
          tabIndex: -1,
          ref: panel,
          inert: Boolean(shown) && narrow.matches,
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
          h(
            'button',
            {
              class: 'button full',
              type: 'button',
              'aria-disabled': newest ? undefined : 'true',
              onClick: () => newest && choose(newest, true),
            },
            h(Icon, { name: 'slide' }),
            'Slide through time',
          ),
          session.editor?.tint &&
            h(Switch, {
              label: 'Show who wrote what',
              checked: blame.isOn.value,
              change: (/** @type {boolean} */ on) => {
                blame.show(on);
                if (on && narrow.matches) close();
                else if (on) chosen.value = null;
              },
            }),
          h(HistorySince, {
            visit,
            isShown: key === VISIT,
            show: (/** @type {number} */ at) => choose({ key: VISIT, at }, false),
          }),
          said.value && h('p', { class: 'history-said' }, said.value),
          h(HistoryTimeline, {
            store,
            chosen: key,
            follows: view.slides.value,
            choose: (/** @type {Entry} */ entry) => choose(endOf(entry), false),
            actions,
            colourOf,
          }),
        ),
      ),
    ];
  };

  takeSide(close);
  document.body.append(root);
  document.body.dataset.history = '';
  render(h(History, {}), root);
  const stopCovering = effect(() => {
    if (!scene.value) chosen.value = null;
    cover();
  });
  narrow.addEventListener('change', cover);
  session.addEventListener('live', live);
  opened = { close, focus: () => find(root, '.history-panel')?.focus() };
  store.load();
}
