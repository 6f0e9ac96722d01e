/** A proposed change, with what it takes away and what it adds. */
import { useSignal } from '@preact/signals';
import { h } from 'preact';
import { nameOf } from './comment-thread.js';
import { Avatar, Icon, Time } from './elements.js';

/** @import { Discussion } from '../editor/discussion.js' */
/** @import { Suggestion } from '../lib/discussion-types.js' */

/** Characters of a change that are shown. */
const LONGEST = 300;

/** @param {string} text */
const cut = (text) => (text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

/** @param {{ suggestion: Suggestion, discussion: Discussion, active: boolean }} props */
export function SuggestionCard({ suggestion, discussion, active }) {
  const { actions } = discussion;
  const { author, message, created_at: at } = suggestion;
  const hunks = suggestion.hunks.filter(({ status }) => status === 'open');
  const isBusy = useSignal(false);
  const isStale = hunks.some(({ stale }) => stale);
  const decide = async (/** @type {'accept' | 'reject' | 'withdraw'} */ how) => {
    isBusy.value = true;
    await discussion.decide(suggestion, how);
    isBusy.value = false;
  };
  return h(
    'article',
    {
      class: active ? 'thread suggestion active' : 'thread suggestion',
      tabIndex: 0,
      'data-suggestion': suggestion.id,
      'aria-label': `Suggestion by ${nameOf(author)}`,
      'aria-current': active ? 'true' : undefined,
      onClick: () => discussion.choose(suggestion.id),
      onKeyDown: (/** @type {KeyboardEvent} */ event) => {
        if (event.target !== event.currentTarget) return;
        const { key } = event;
        if (key === 'j' || key === 'ArrowDown') discussion.step(1);
        else if (key === 'k' || key === 'ArrowUp') discussion.step(-1);
        else if (key === 'Enter') discussion.choose(suggestion.id);
        else return;
        event.preventDefault();
      },
    },
    h(
      'div',
      { class: 'comment-head' },
      h(Avatar, { name: nameOf(author), colour: actions.colourOf(author), picture: author.avatar_url }),
      h('div', { class: 'comment-by' }, h('b', {}, nameOf(author)), h('span', {}, 'Suggested ', h(Time, { at }))),
    ),
    message && h('p', { class: 'comment-text' }, message),
    hunks.map(({ number, deleted, inserted }) =>
      h(
        'p',
        { key: number, class: 'hunk' },
        deleted && h('del', {}, h('span', { class: 'visually-hidden' }, 'Delete: '), cut(deleted)),
        deleted && inserted && ' ',
        inserted && h('ins', {}, h('span', { class: 'visually-hidden' }, 'Insert: '), cut(inserted)),
      ),
    ),
    isStale && h('p', { class: 'hunk-stale' }, 'The text has changed since. This suggestion cannot be accepted.'),
    h(
      'div',
      { class: 'suggestion-actions' },
      actions.mayEdit &&
        !isStale &&
        h(
          'button',
          { class: 'button primary', type: 'button', disabled: isBusy.value, onClick: () => decide('accept') },
          h(Icon, { name: 'check' }),
          'Accept',
        ),
      actions.mayEdit &&
        h(
          'button',
          { class: 'button', type: 'button', disabled: isBusy.value, onClick: () => decide('reject') },
          h(Icon, { name: 'close' }),
          'Reject',
        ),
      !actions.mayEdit &&
        actions.isOwn(suggestion) &&
        h(
          'button',
          { class: 'button', type: 'button', disabled: isBusy.value, onClick: () => decide('withdraw') },
          'Withdraw',
        ),
    ),
  );
}
