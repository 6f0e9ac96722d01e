/** A slider through the moments of the history that are loaded. */
import { h } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import { momentOf, momentText } from '../lib/history-words.js';
import { placeOf } from '../lib/moments.js';
import { Icon } from './elements.js';

/** @import { Moment } from '../lib/moments.js' */
/** @import { HistoryStore } from '../stores/history.js' */
/** @import { ColourOf } from './history-timeline.js' */

/**
 * Neighbours of one session as one line, and versions as points, where the slider is for them. `from`, `to`: percent.
 * @param {Moment[]} moments
 * @param {ColourOf} colourOf
 */
function marksOf(moments, colourOf) {
  /** @type {{ from: number, to: number, colour: string | undefined }[]} */
  const marks = [];
  const last = Math.max(1, moments.length - 1);
  moments.forEach(({ entry }, index) => {
    const isVersion = 'version' in entry;
    const from = isVersion ? index / last : Math.max(0, (index - 0.5) / last);
    const to = isVersion ? from : Math.min(1, (index + 0.5) / last);
    const before = marks.at(-1);
    if (before && moments[index - 1].entry === entry) before.to = to * 100;
    else marks.push({ from: from * 100, to: to * 100, colour: isVersion ? undefined : colourOf(entry.session.author) });
  });
  return marks;
}

/**
 * @param {{ moments: Moment[], shown: { key: string, at: number }, choose: (moment: Moment) => void, store: HistoryStore,
 *   colourOf: ColourOf, focused: boolean }} props
 */
export function HistorySlider({ moments, shown, choose, store, colourOf, focused }) {
  const slider = useRef(/** @type {HTMLInputElement | null} */ (null));
  const place = placeOf(moments, shown);
  const marks = useMemo(() => marksOf(moments, colourOf), [moments]);
  useEffect(() => {
    if (focused) slider.current?.focus({ preventScroll: true });
  }, []);
  if (place < 0) return null;
  const moment = moments[place];
  const go = (/** @type {number} */ to) => {
    if (to >= 0 && to < moments.length && to !== place) choose(moments[to]);
    if (to <= 0 && store.hasMore.value && !store.isLoading.value) store.loadMore();
  };
  const isFirst = place === 0 && !store.hasMore.value;
  const isLast = place === moments.length - 1;
  const step = (/** @type {string} */ label, /** @type {number} */ by, /** @type {boolean} */ isEnd) =>
    h(
      'button',
      {
        class: 'icon-button',
        type: 'button',
        'aria-label': label,
        title: label,
        'aria-disabled': isEnd ? 'true' : undefined,
        onClick: () => go(place + by),
      },
      h(Icon, { name: by < 0 ? 'left' : 'right' }),
    );
  const ends = [moments[0], moments[moments.length - 1]].map(({ at }) => at);
  const areNear = momentOf(ends[0]) === momentOf(ends[1]);
  return h(
    'footer',
    { class: 'history-slider' },
    step('Earlier moment', -1, isFirst),
    h(
      'div',
      { class: 'history-track' },
      h(
        'div',
        { class: 'history-marks', 'aria-hidden': 'true' },
        marks.map(({ from, to, colour }, index) =>
          h('i', {
            key: index,
            class: colour ? undefined : 'version',
            style: { left: `${from}%`, width: `${to - from}%`, '--person': colour },
          }),
        ),
      ),
      h('input', {
        ref: slider,
        type: 'range',
        min: 0,
        max: moments.length - 1,
        step: 1,
        value: place,
        disabled: moments.length < 2 && !store.hasMore.value,
        'aria-label': 'Slide through time',
        'aria-valuetext': momentText(moment),
        onInput: (/** @type {Event} */ { currentTarget }) =>
          choose(moments[Number(/** @type {HTMLInputElement} */ (currentTarget).value)]),
        // Not while the slider is held: its places move when there are more.
        onChange: (/** @type {Event} */ { currentTarget }) =>
          go(Number(/** @type {HTMLInputElement} */ (currentTarget).value)),
      }),
      h(
        'p',
        { class: 'history-ends', 'aria-hidden': 'true' },
        ends.map((at, index) => h('span', { key: index }, momentOf(at, areNear))),
      ),
    ),
    step('Later moment', 1, isLast),
  );
}
