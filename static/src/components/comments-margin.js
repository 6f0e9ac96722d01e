/** The open threads beside the text, each as high as the text that it is about. Only where there is room. */
import { h } from 'preact';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { keptAs } from '../lib/drafts.js';
import { placeCards } from '../lib/place-cards.js';
import { Composer } from './comment-composer.js';
import { Thread } from './comment-thread.js';
import { SuggestionCard } from './suggestion-card.js';

/** @import { Discussion } from '../editor/discussion.js' */

/** @param {{ discussion: Discussion }} props */
export function CommentsMargin({ discussion }) {
  const { store, actions, active, draft, suggestions } = discussion;
  const column = useRef(/** @type {HTMLElement | null} */ (null));
  // Drawn again when text has moved.
  void discussion.moved.value;
  const shown = discussion.inMargin.value;
  const chosen = draft.value ? 'draft' : active.value;
  const place = () => {
    const { current } = column;
    if (!current) return;
    const cards = /** @type {HTMLElement[]} */ ([...current.children]);
    const origin = current.getBoundingClientRect().top + scrollY;
    const measured = cards.map((card) => ({
      wanted: (discussion.marks?.topOf(card.dataset.key ?? '') ?? origin) - origin,
      height: card.offsetHeight,
    }));
    const tops = placeCards(
      measured,
      cards.findIndex((card) => card.dataset.key === chosen),
    );
    cards.forEach((card, index) => {
      card.style.transform = `translateY(${Math.round(tops[index])}px)`;
    });
  };
  useLayoutEffect(place);
  useLayoutEffect(() => {
    const observer = new ResizeObserver(place);
    for (const card of column.current?.children ?? []) observer.observe(card);
    return () => observer.disconnect();
  });
  return h(
    'div',
    { class: 'comments-margin', role: 'complementary', 'aria-label': 'Comments on the text', ref: column },
    shown.map((key) => {
      if (key === 'draft')
        return h(
          'div',
          { key, 'data-key': key, class: 'margin-card' },
          h(
            'div',
            { class: 'thread active new' },
            h(Composer, {
              label: 'Comment…',
              verb: 'Comment',
              focused: true,
              ...keptAs('draft'),
              people: actions.people,
              submit: (/** @type {string} */ content) => discussion.submitDraft(content),
              cancel: () => discussion.dropDraft(),
            }),
          ),
        );
      const suggestion = suggestions.open.value.find(({ id }) => id === key);
      const thread = store.open.value.find(({ id }) => id === key);
      return h(
        'div',
        { key, 'data-key': key, class: 'margin-card' },
        suggestion && h(SuggestionCard, { suggestion, discussion, active: key === chosen }),
        thread && h(Thread, { thread, actions, active: key === chosen, ...discussion.handlersOf(key) }),
      );
    }),
  );
}
