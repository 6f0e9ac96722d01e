/** Notices of the operating system for new notifications, where the person has allowed them. */
import { preferences } from '../lib/api.js';
import * as api from '../lib/comments-api.js';
import { notificationWords } from '../lib/notification-words.js';

/** @import { NotificationStore } from '../stores/notifications.js' */

/** Notices at most at once. */
const MOST = 3;

/** Whether this browser can show notices. */
export const canAnnounce = () => 'Notification' in window && window.isSecureContext;

/** Asks for the permission. Returns whether it was given. */
export const askToAnnounce = async () => canAnnounce() && (await Notification.requestPermission()) === 'granted';

/**
 * Announces what has come. A page that the person looks at shows it by itself.
 * @param {NotificationStore} store
 * @param {number} news how many notifications have come
 */
export async function announceInBrowser(store, news) {
  if (!canAnnounce() || Notification.permission !== 'granted' || document.hasFocus()) return;
  const { notifications } = await preferences();
  if (notifications?.browser === false) return;
  const { items } = await api.notifications({ state: 'unread', limit: Math.min(news, MOST) });
  for (const item of items.toReversed()) {
    const { who, did, where, then } = notificationWords(item);
    const notice = new Notification(`${who} ${did} ${where} ${then}`.trim(), {
      body: item.comment?.excerpt ?? '',
      tag: item.id,
    });
    notice.onclick = () => {
      window.focus();
      store.markRead(item).catch(() => {});
      if (item.url) location.assign(item.url);
    };
  }
}
