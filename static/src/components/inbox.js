/** The bell in the header: the notifications of the current user. */
import { effect, signal } from '@preact/signals';
import { h, render } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { $, h as element, setText } from '../lib/dom.js';
import { counted } from '../lib/format.js';
import { notificationWords } from '../lib/notification-words.js';
import { pageEvents } from '../lib/page-events.js';
import { messageOf } from '../lib/request.js';
import { NotificationStore } from '../stores/notifications.js';
import { announceInBrowser } from './browser-notices.js';
import { Avatar, Icon, Time } from './elements.js';
import { icon } from './icons.js';
import { useKeptFocus } from './keep-focus.js';
import { tryTo } from './toast.js';

/** @import { Notification } from '../lib/discussion-types.js' */
/** @import { InboxFilter } from '../stores/notifications.js' */

/** @type {[InboxFilter, string][]} */
const FILTERS = [
  ['all', 'All'],
  ['unread', 'Unread'],
];

/** @param {{ item: Notification, store: NotificationStore }} props */
function Row({ item, store }) {
  const { who, did, where, then } = notificationWords(item);
  return h(
    'li',
    { class: item.read ? 'inbox-row' : 'inbox-row unread', 'data-id': item.id },
    h(
      'a',
      { href: item.url ?? '#', onClick: () => store.markRead(item).catch(() => {}) },
      h(Avatar, { name: item.actors[0]?.name ?? '', picture: item.actors[0]?.avatar_url }),
      h(
        'span',
        { class: 'inbox-text' },
        h('span', {}, h('b', {}, who), ` ${did} `, h('b', {}, where), then && ` ${then}`),
        item.comment?.excerpt && h('q', {}, item.comment.excerpt),
        h(
          'small',
          {},
          h(Time, { at: item.updated_at }),
          !item.read && h('span', { class: 'visually-hidden' }, ', not read'),
        ),
      ),
    ),
    h(
      'button',
      {
        class: 'icon-button',
        type: 'button',
        'aria-label': `Archive: ${who} ${did} ${where} ${then}`.trim(),
        title: 'Archive',
        onClick: () => tryTo(() => store.archive(item)),
      },
      h(Icon, { name: 'archive' }),
    ),
  );
}

/** @param {{ store: NotificationStore, problem: import('@preact/signals').Signal<string>, close: () => void }} props */
function Inbox({ store, problem, close }) {
  const panel = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    panel.current?.focus();
    store.load();
  }, []);
  const list = useRef(/** @type {HTMLElement | null} */ (null));
  const items = store.items.value;
  useKeptFocus(list);
  useEffect(() => {
    // The row with the focus is gone, and no other one is there.
    if (document.activeElement === document.body) panel.current?.focus();
  });
  return h(
    'section',
    {
      class: 'inbox',
      role: 'dialog',
      'aria-labelledby': 'inbox-title',
      tabIndex: -1,
      ref: panel,
      onKeyDown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key === 'Escape') close();
      },
    },
    h(
      'header',
      { class: 'inbox-head' },
      h('h2', { id: 'inbox-title' }, 'Notifications'),
      h(
        'button',
        {
          class: 'button quiet',
          type: 'button',
          disabled: store.unread.value === 0,
          onClick: () => tryTo(() => store.readAll()),
        },
        'Mark all as read',
      ),
    ),
    h(
      'div',
      { class: 'segments', role: 'group', 'aria-label': 'Which notifications' },
      FILTERS.map(([name, label]) =>
        h(
          'button',
          {
            key: name,
            type: 'button',
            'aria-pressed': String(store.filter.value === name),
            onClick: () => store.show(name),
          },
          label,
        ),
      ),
    ),
    problem.value && h('p', { class: 'form-alert', role: 'alert' }, problem.value),
    h(
      'ul',
      { class: 'inbox-rows', ref: list },
      items.map((item) => h(Row, { key: item.id, item, store })),
    ),
    store.loaded.value &&
      items.length === 0 &&
      h(
        'p',
        { class: 'nothing' },
        store.filter.value === 'unread'
          ? 'You have read everything.'
          : 'Nothing yet. Replies, mentions and changes that you follow are listed here.',
      ),
    store.cursor.value &&
      h('button', { class: 'button full', type: 'button', onClick: () => store.loadMore() }, 'Show more'),
    h('footer', { class: 'inbox-foot' }, h('a', { href: '/account#notifications' }, 'Settings')),
  );
}

/**
 * Puts the bell into the header of a page.
 * @param {(bell: HTMLElement) => void} place
 */
export function bindInbox(place) {
  const problem = signal('');
  const isOpen = signal(false);
  const store = new NotificationStore({
    onError: (error, quiet) => {
      if (!quiet) problem.value = messageOf(error);
    },
    onCount: (before, now) => {
      if (now <= before) return;
      setText($('announcer'), `${counted(now, 'notification')} not read`);
      // The bell shows it, too.
      announceInBrowser(store, now - before).catch(() => {});
    },
  });
  const badge = element('span', { class: 'count', 'aria-hidden': 'true' });
  const button = element(
    'button',
    {
      class: 'icon-button inbox-button',
      type: 'button',
      id: 'inbox',
      title: 'Notifications',
      'aria-haspopup': 'dialog',
      onclick: () => {
        isOpen.value = !isOpen.value;
      },
    },
    icon('bell'),
    badge,
  );
  const root = element('div', { class: 'inbox-place' });
  place(button);
  button.after(root);
  const close = () => {
    isOpen.value = false;
    button.focus();
  };
  effect(() => {
    const count = store.unread.value;
    setText(badge, count > 99 ? '99+' : count > 0 ? String(count) : '');
    button.setAttribute('aria-label', count > 0 ? `Notifications, ${count} not read` : 'Notifications');
  });
  effect(() => {
    button.setAttribute('aria-expanded', String(isOpen.value));
    render(isOpen.value ? h(Inbox, { store, problem, close }) : null, root);
  });
  addEventListener('pointerdown', ({ target }) => {
    if (isOpen.value && target instanceof Node && !root.contains(target) && !button.contains(target))
      isOpen.value = false;
  });
  pageEvents().follow(store);
  store.count();
}
