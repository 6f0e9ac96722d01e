/** The comments of the open document, in a panel at the side. On a narrow screen it fills the page. */
import { h } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { find } from '../lib/dom.js';
import { keptAs } from '../lib/drafts.js';
import { counted } from '../lib/format.js';
import { Composer } from './comment-composer.js';
import { Thread } from './comment-thread.js';
import { Icon } from './elements.js';
import { SuggestionCard } from './suggestion-card.js';

/** @import { Discussion } from '../editor/discussion.js' */
/** @import { Filter } from '../stores/comments.js' */

/** @type {[Filter, string, string][]} the filter, its name, and what is said where it finds nothing */
const FILTERS = [
  ['open', 'Open', 'No open comments. Select text in the document to comment on it.'],
  ['resolved', 'Resolved', 'No resolved comments.'],
  ['mine', 'Mine', 'Comments that you wrote, or that mention you, are listed here.'],
];

/** @param {{ discussion: Discussion }} props */
export function CommentsPanel({ discussion }) {
  const { store, actions, active, filter, suggestions } = discussion;
  const panel = useRef(/** @type {HTMLElement | null} */ (null));
  const threads = store.find(filter.value);
  const chosen = active.value;
  const problem = store.problem.value || suggestions.problem.value;
  useEffect(() => {
    const root = panel.current;
    if (root && !root.contains(document.activeElement)) root.focus();
  }, []);
  useEffect(() => {
    const thread = panel.current && chosen ? find(panel.current, `[data-key="${CSS.escape(chosen)}"]`) : null;
    thread?.scrollIntoView({ block: 'nearest' });
  }, [chosen]);
  const empty = FILTERS.find(([name]) => name === filter.value)?.[2];
  const proposed = filter.value === 'open' ? suggestions.open.value : [];
  return h(
    'section',
    {
      class: 'comments-panel',
      role: 'dialog',
      'aria-labelledby': 'comments-title',
      tabIndex: -1,
      ref: panel,
      onKeyDown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== 'Escape' || event.defaultPrevented) return;
        event.preventDefault();
        discussion.close();
      },
    },
    h(
      'header',
      { class: 'comments-head' },
      h('h2', { id: 'comments-title' }, 'Comments'),
      h(
        'button',
        {
          class: 'icon-button',
          type: 'button',
          'aria-label': 'Close the comments',
          title: 'Close',
          onClick: () => discussion.close(),
        },
        h(Icon, { name: 'close' }),
      ),
    ),
    h(
      'div',
      { class: 'segments', role: 'group', 'aria-label': 'Which comments' },
      FILTERS.map(([name, label]) =>
        h(
          'button',
          {
            key: name,
            type: 'button',
            'aria-pressed': String(filter.value === name),
            onClick: () => {
              filter.value = name;
            },
          },
          label,
        ),
      ),
    ),
    h(
      'div',
      { class: 'comments-body' },
      problem &&
        h(
          'div',
          { class: 'form-alert', role: 'alert' },
          problem,
          h('button', { class: 'button', type: 'button', onClick: () => discussion.reload() }, 'Try again'),
        ),
      discussion.draft.value &&
        h(
          'div',
          { class: 'thread active new' },
          h('blockquote', { class: 'quote' }, h('span', {}, discussion.draft.value.quote)),
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
      proposed.length > 1 &&
        actions.mayEdit &&
        h(
          'div',
          { class: 'suggestion-all' },
          h('span', {}, counted(proposed.length, 'suggestion')),
          h('button', { class: 'button', type: 'button', onClick: () => suggestions.decideAll(true) }, 'Accept all'),
          h('button', { class: 'button', type: 'button', onClick: () => suggestions.decideAll(false) }, 'Reject all'),
        ),
      proposed.map((suggestion) =>
        h(
          'div',
          { key: suggestion.id, 'data-key': suggestion.id },
          h(SuggestionCard, { suggestion, discussion, active: suggestion.id === chosen }),
        ),
      ),
      threads.map((thread) =>
        h(
          'div',
          { key: thread.id, 'data-key': thread.id },
          h(Thread, {
            thread,
            actions,
            quotes: true,
            active: thread.id === chosen,
            ...discussion.handlersOf(thread.id),
          }),
        ),
      ),
      store.loaded.value && threads.length + proposed.length === 0 && h('p', { class: 'nothing' }, empty),
      !store.loaded.value && !store.problem.value && h('p', { class: 'nothing' }, 'Loading…'),
    ),
    actions.mayComment &&
      h(
        'footer',
        { class: 'comments-foot' },
        h(Composer, {
          label: 'Comment on the whole document…',
          verb: 'Comment',
          compact: true,
          ...keptAs('whole'),
          people: actions.people,
          submit: (/** @type {string} */ content) => discussion.add(content),
        }),
      ),
  );
}
