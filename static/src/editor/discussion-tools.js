/** The button of the editor page that opens the comments. Loads them once the document is here. */
import { effect } from '@preact/signals';
import { mayComment } from '../components/comment-actions.js';
import { icon } from '../components/icons.js';
import { bring } from '../lib/bring.js';
import { $, h, setText } from '../lib/dom.js';
import { counted } from '../lib/format.js';
import { kindOf, until } from './session-state.js';
import { Subscription } from './subscription.js';
import { bindSuggesting, endSuggesting } from './suggesting-tools.js';

/** @import { Items } from '../components/menu.js' */
/** @import { CurrentUser } from '../lib/types.js' */
/** @import { Session } from './session.js' */

/**
 * @param {Session} session
 * @param {CurrentUser | null} who an account; null for everybody else
 * @returns {Promise<{ items: () => Items }>} items: entries of the document menu
 */
export async function bindDiscussion(session, who) {
  await until(session, () => session.details !== null && session.loaded && session.editor !== null);
  const [{ Discussion }, { commentButton }] = await bring(() =>
    Promise.all([import('./discussion.js'), import('./comment-button.js')]),
  );
  const discussion = new Discussion(session, who);
  const placeButton = commentButton(discussion);
  const follow = discussion.follow;
  discussion.follow = () => {
    follow();
    placeButton();
  };
  discussion.attach();
  const badge = h('span', { class: 'count', 'aria-hidden': 'true' });
  const button = h(
    'button',
    { class: 'icon-button comments-button', type: 'button', id: 'comments', title: 'Comments', hidden: true },
    icon('comment'),
    badge,
  );
  button.addEventListener('click', () => discussion.toggle());
  $('bar').querySelector('.people')?.after(button);
  effect(() => {
    const count = discussion.store.open.value.length + discussion.suggestions.open.value.length;
    setText(badge, count > 0 ? String(count) : '');
    button.setAttribute('aria-label', `Comments, ${counted(count, 'open thread')}`);
    button.setAttribute('aria-expanded', String(discussion.isOpen.value));
    button.hidden = count === 0 && discussion.store.comments.value.size === 0 && !mayComment(session.details);
  });
  const suggesting = bindSuggesting(discussion);
  const subscription = who && new Subscription(discussion.store.document);
  await Promise.all([discussion.load(), subscription?.load()]);
  /** @type {() => Items} */
  const items = () => [
    // Suggestions are changes of a Markdown text.
    mayComment(session.details) &&
      kindOf(session) === 'markdown' && {
        label: suggesting.isOn.value ? 'Stop suggesting' : 'Suggest changes',
        icon: 'pencil',
        act: () => {
          if (suggesting.isOn.value) endSuggesting(suggesting);
          else suggesting.begin();
        },
      },
    ...(subscription?.items() ?? []),
  ];
  return { items };
}
