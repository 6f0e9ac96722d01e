/** A thread of comments, in the panel and in the margin. */
import { useSignal } from '@preact/signals';
import { h } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { keptAs } from '../lib/drafts.js';
import { counted } from '../lib/format.js';
import { EMOJI } from './comment-actions.js';
import { Composer } from './comment-composer.js';
import { Avatar, Icon, MenuButton, Time } from './elements.js';

/** @import { Comment, CommentAuthor } from '../lib/discussion-types.js' */
/** @import { Thread as ThreadOf } from '../stores/comments.js' */
/** @import { CommentActions } from './comment-actions.js' */

/** Replies that are shown before the thread is chosen. */
const SHOWN = 2;

/** @param {CommentAuthor} author */
export const nameOf = ({ name, kind }) => name ?? (kind === 'guest' ? 'Guest' : 'Deleted user');

/** @param {{ comment: Comment, actions: CommentActions }} props */
function Reactions({ comment, actions }) {
  const isOpen = useSignal(false);
  const { reactions } = comment;
  if (reactions.length === 0 && !actions.mayReact) return null;
  const toggle = (/** @type {string} */ emoji) => {
    isOpen.value = false;
    actions.react(comment, emoji);
  };
  return h(
    'div',
    { class: 'reactions' },
    reactions.map(({ emoji, count, mine, people }) =>
      h(
        'button',
        {
          key: emoji,
          class: 'reaction',
          type: 'button',
          disabled: !actions.mayReact,
          'aria-pressed': String(mine),
          'aria-label': `${emoji} ${counted(count, 'person').replace('persons', 'people')}${mine ? ', you too' : ''}`,
          title: people?.join(', '),
          onClick: () => toggle(emoji),
        },
        h('span', {}, emoji),
        h('span', { class: 'reaction-count' }, count),
      ),
    ),
    actions.mayReact &&
      h(
        'button',
        {
          class: 'reaction add',
          type: 'button',
          'aria-expanded': String(isOpen.value),
          'aria-label': 'Add a reaction',
          title: 'Add a reaction',
          onClick: () => {
            isOpen.value = !isOpen.value;
          },
        },
        h(Icon, { name: 'smile' }),
      ),
    isOpen.value &&
      h(
        'div',
        { class: 'emoji', role: 'group', 'aria-label': 'Reactions' },
        EMOJI.map((emoji) =>
          h('button', { key: emoji, type: 'button', 'aria-label': emoji, onClick: () => toggle(emoji) }, emoji),
        ),
      ),
  );
}

/** @param {{ comment: Comment, thread: ThreadOf, actions: CommentActions }} props */
function Entry({ comment, thread, actions }) {
  const edits = useSignal(false);
  const { author, content_html: html, deleted, created_at: at, edited } = comment;
  const stop = () => {
    edits.value = false;
  };
  const isRoot = comment === thread.root;
  return h(
    'div',
    { class: 'comment', 'data-comment': comment.id },
    h(
      'div',
      { class: 'comment-head' },
      h(Avatar, {
        name: deleted ? '' : nameOf(author),
        colour: actions.colourOf(author),
        picture: author.avatar_url,
      }),
      h(
        'div',
        { class: 'comment-by' },
        h('b', {}, deleted ? 'Deleted' : nameOf(author)),
        h('span', {}, h(Time, { at }), edited && !deleted && ' · edited'),
      ),
      !deleted &&
        h(MenuButton, {
          label: `Menu of the comment by ${nameOf(author)}`,
          items: () =>
            actions.menuOf(comment, {
              edit: () => {
                edits.value = true;
              },
              hasReplies: isRoot && thread.replies.length > 0,
            }),
        }),
    ),
    edits.value
      ? h(Composer, {
          label: 'Edit the comment',
          verb: 'Save',
          content: comment.content,
          focused: true,
          people: actions.people,
          submit: async (/** @type {string} */ content) => {
            await actions.change(comment, content);
            stop();
          },
          cancel: stop,
        })
      : deleted
        ? h('p', { class: 'comment-text gone' }, 'This comment was deleted.')
        : h('div', { class: 'comment-text', dangerouslySetInnerHTML: { __html: html } }),
    comment.unreachable.length > 0 &&
      actions.isOwn(comment) &&
      h(
        'p',
        { class: 'comment-note' },
        `${comment.unreachable.join(', ')} cannot read this document. `,
        h('button', { type: 'button', onClick: () => actions.invite() }, 'Invite'),
      ),
    !deleted && !edits.value && h(Reactions, { comment, actions }),
  );
}

/**
 * @param {object} props
 * @param {ThreadOf} props.thread
 * @param {CommentActions} props.actions
 * @param {boolean} props.active whether the thread is chosen
 * @param {boolean} [props.quotes] whether the text that it is about is shown
 * @param {() => void} props.choose
 * @param {(step: 1 | -1) => void} props.step
 * @param {() => void} props.leave
 */
export function Thread({ thread, actions, active, quotes, choose, step, leave }) {
  const { root, replies } = thread;
  const article = useRef(/** @type {HTMLElement | null} */ (null));
  const replying = useSignal(false);
  const hidden = active ? 0 : Math.max(0, replies.length - SHOWN);
  const { anchor } = root;
  useEffect(() => {
    if (!active) replying.value = false;
  }, [active]);
  const keyed = (/** @type {KeyboardEvent} */ event) => {
    const { target, key } = event;
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (key === 'Escape') leave();
    else if (target !== article.current) return;
    else if (key === 'j' || key === 'ArrowDown') step(1);
    else if (key === 'k' || key === 'ArrowUp') step(-1);
    else if (key === 'Enter') choose();
    else if (key === 'r' && actions.mayComment && !root.resolved) {
      choose();
      replying.value = true;
    } else if (key === 'e' && actions.mayResolve(thread)) actions.resolve(thread, !root.resolved);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return h(
    'article',
    {
      ref: article,
      class: active ? 'thread active' : 'thread',
      'data-thread': thread.id,
      tabIndex: 0,
      'aria-label': `Thread by ${nameOf(root.author)}${anchor ? ` about “${anchor.quote.slice(0, 60)}”` : ''}`,
      'aria-current': active ? 'true' : undefined,
      onKeyDown: keyed,
      onClick: (/** @type {MouseEvent} */ { target }) => {
        if (!(target instanceof Element) || !target.closest('button, a, textarea')) choose();
      },
    },
    quotes &&
      anchor &&
      h(
        'blockquote',
        {
          class: anchor.orphaned ? 'quote orphaned' : 'quote',
          title: anchor.orphaned ? 'This text is gone' : undefined,
        },
        h('span', {}, anchor.quote),
        anchor.orphaned && h('small', {}, 'The text is gone from the document'),
      ),
    h(Entry, { comment: root, thread, actions }),
    hidden > 0 &&
      h(
        'button',
        { class: 'thread-more', type: 'button', onClick: choose },
        `Show ${hidden === 1 ? 'one more reply' : `${hidden} more replies`}`,
      ),
    replies.slice(hidden).map((comment) => h(Entry, { key: comment.id, comment, thread, actions })),
    root.resolved &&
      h(
        'p',
        { class: 'thread-resolved' },
        h(Icon, { name: 'check' }),
        `Resolved${root.resolved_by ? ` by ${nameOf(root.resolved_by)}` : ''}`,
      ),
    (active || root.resolved) &&
      h(
        'div',
        { class: 'thread-foot' },
        active &&
          actions.mayComment &&
          !root.resolved &&
          h(Composer, {
            key: thread.id,
            label: 'Reply…',
            verb: 'Reply',
            compact: !replying.value,
            focused: replying.value,
            ...keptAs(thread.id),
            people: actions.people,
            submit: (/** @type {string} */ content) => actions.add(content, { parent_id: thread.root.id }),
            cancel: () => {
              replying.value = false;
              article.current?.focus();
            },
          }),
        actions.mayResolve(thread) &&
          h(
            'button',
            {
              class: 'button quiet resolve',
              type: 'button',
              onClick: () => actions.resolve(thread, !root.resolved),
            },
            h(Icon, { name: root.resolved ? 'restore' : 'check' }),
            root.resolved ? 'Reopen' : 'Resolve',
          ),
      ),
  );
}
