/** A document as it was, with what can be done with it, and the slider through the other moments. */
import { h } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { authorNames, entryName, kindOf, summaryOf, momentOf } from '../lib/history-words.js';
import { nameOf } from '../lib/moments.js';
import { messageOf } from '../lib/request.js';
import { Icon, MenuButton, Switch } from './elements.js';
import { announce } from './history-actions.js';
import { HistorySlider } from './history-slider.js';
import { EarlierContent } from './history-text.js';

/** @import { Signal } from '@preact/signals' */
/** @import { Moment } from '../lib/moments.js' */
/** @import { HistoryStore } from '../stores/history.js' */
/** @import { HistoryActions } from './history-actions.js' */
/** @import { ColourOf } from './history-timeline.js' */
/** @import { Shown } from './history-text.js' */

/** Characters. */
const LONGEST_ANNOUNCEMENT = 200;
/** Milliseconds. A moment that is passed sooner is not asked for. */
const PASSING = 120;

/**
 * `changes`: whether differences are shown; `since`: from the entry before to this one, or from this one until now;
 * `slides`: the moment was chosen by the slider.
 * @typedef {{ changes: Signal<boolean>, since: Signal<'before' | 'now'>, slides: Signal<boolean> }} View
 */

/**
 * A moment that is shown. `visit`: all changes since then.
 * @typedef {{ key: string, moment: Moment, visit: false } | { key: string, at: number, visit: true }} Scene
 */

/** @param {Scene} scene */
function nameOfScene(scene) {
  return scene.visit ? 'Since your last visit' : entryName(scene.moment.entry);
}

/** @param {Scene} scene */
function noteOf(scene) {
  if (scene.visit) return `${momentOf(scene.at)} until now`;
  const { entry, at, isEnd } = scene.moment;
  if (!('version' in entry)) return momentOf(at, !isEnd);
  return [momentOf(at), kindOf(entry.version), authorNames(entry.version.authors)].filter(Boolean).join(' · ');
}

/**
 * @param {{ scene: Scene, moments: Moment[], choose: (moment: Moment) => void, store: HistoryStore,
 *   actions: HistoryActions, colourOf: ColourOf, view: View, close: () => void, keyed: (event: KeyboardEvent) => void }} props
 */
export function HistoryPreview({ scene, moments, choose, store, actions, colourOf, view, close, keyed }) {
  const since = scene.visit ? 'now' : view.changes.value ? view.since.value : null;
  const [answer, setAnswer] = useState(/** @type {{ of: string, shown: Shown } | null} */ (null));
  const [attempt, setAttempt] = useState(0);
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  const entry = scene.visit ? null : scene.moment.entry;
  const point = scene.visit ? { time: new Date(scene.at).toISOString() } : scene.moment.point;
  // A session that goes on has a new end, and the present text may change.
  const key = `${scene.key} ${nameOf(point)} ${since} ${attempt} ${since === 'now' ? store.changed.value : ''}`;
  useEffect(() => {
    let isCurrent = true;
    const show = (/** @type {Shown} */ shown) => isCurrent && setAnswer({ of: key, shown });
    const read = () => {
      const text = scene.visit ? store.texts.compare(nameOf(point), 'now') : store.read(scene.moment, since);
      text.then(show, (error) => show({ problem: messageOf(error) }));
    };
    const waits = view.slides.peek() && !store.texts.has(point, since);
    const timer = waits ? setTimeout(read, PASSING) : void read();
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [key]);
  useEffect(() => {
    if (!view.slides.peek()) heading.current?.focus({ preventScroll: true });
  }, [entry?.key]);
  const isCurrent = answer?.of === key;
  // The text before stays until the next one is here.
  const stays = answer && !('problem' in answer.shown) && 'difference' in answer.shown === Boolean(since);
  const shown = isCurrent || stays ? answer.shown : null;
  const tryAgain = () => {
    heading.current?.focus();
    setAttempt(attempt + 1);
  };
  const nextChange = () => {
    const section = heading.current?.closest('section');
    const marks = [...(section?.querySelectorAll('.history-text-view :is(ins, del)') ?? [])];
    if (marks.length === 0) return;
    const at = (marks.findIndex((mark) => mark.matches('.current')) + 1) % marks.length;
    marks.forEach((mark, index) => mark.classList.toggle('current', index === at));
    marks[at].scrollIntoView({ block: 'center' });
    const verb = marks[at].localName === 'ins' ? 'inserted' : 'deleted';
    announce(`Change ${at + 1} of ${marks.length}, ${verb}: ${marks[at].textContent.slice(0, LONGEST_ANNOUNCEMENT)}`);
  };
  const version = entry && 'version' in entry ? entry.version : null;
  const name = nameOfScene(scene);
  const hasChanges =
    shown && 'difference' in shown && shown.difference.pieces.some(({ operation }) => operation !== 'equal');
  return h(
    'section',
    { class: 'history-preview', 'aria-labelledby': 'history-preview-title' },
    h(
      'header',
      { class: 'history-preview-head' },
      h(
        'button',
        {
          class: 'icon-button',
          type: 'button',
          'aria-label': 'Back to the present document',
          title: 'Back to the present document',
          onClick: close,
        },
        h(Icon, { name: 'back' }),
      ),
      h(
        'div',
        { class: 'history-preview-name' },
        h('h2', { id: 'history-preview-title', tabIndex: -1, ref: heading }, name),
        h('p', {}, noteOf(scene)),
      ),
      version &&
        actions.mayEdit &&
        h(
          'button',
          { class: 'button primary small', type: 'button', onClick: () => actions.restore(version) },
          'Restore…',
        ),
      entry &&
        h(MenuButton, { key: 'menu', label: `More actions for ${name}`, items: () => actions.items(entry, point) }),
    ),
    h(
      'div',
      { class: 'history-switches' },
      entry &&
        h(Switch, {
          key: 'changes',
          label: 'Show changes',
          checked: view.changes.value,
          change: (/** @type {boolean} */ checked) => {
            view.changes.value = checked;
          },
        }),
      since &&
        h(
          'button',
          { key: 'next', class: 'button small', type: 'button', disabled: !hasChanges, onClick: nextChange },
          'Next change',
        ),
      since &&
        entry &&
        h(
          'select',
          {
            key: 'since',
            class: 'select',
            'aria-label': 'Which changes',
            value: since,
            onChange: (/** @type {Event} */ { currentTarget }) => {
              const { value } = /** @type {HTMLSelectElement} */ (currentTarget);
              view.since.value = value === 'now' ? 'now' : 'before';
            },
          },
          h('option', { value: 'before' }, version ? 'Since the version before' : 'Made in these edits'),
          h('option', { value: 'now' }, 'From here until now'),
        ),
      shown &&
        'difference' in shown &&
        h('p', { class: 'history-summary', role: 'status' }, summaryOf(shown.difference.summary)),
    ),
    h(
      'div',
      { class: 'history-shown', 'aria-busy': isCurrent ? undefined : 'true' },
      h(EarlierContent, { shown, title: `${name}, view only`, again: tryAgain, keyed }),
    ),
    h(HistorySlider, {
      moments,
      shown: scene.visit ? { key: scene.key, at: scene.at } : scene.moment,
      choose,
      store,
      colourOf,
      focused: view.slides.peek(),
    }),
  );
}
