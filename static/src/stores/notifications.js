/** The notifications of the current user, and how many are not read. Live events keep them current. */
import { signal } from '@preact/signals';
import * as api from '../lib/comments-api.js';
import { PagedStore } from './paged-store.js';

/** @import { Notification } from '../lib/discussion-types.js' */
/** @import { ChangeEvent } from '../lib/types.js' */

/** @typedef {'all' | 'unread'} InboxFilter */

/** Milliseconds. Events that arrive together cause one request. */
const COUNT_AFTER = 150;

/** @extends {PagedStore<Notification>} */
export class NotificationStore extends PagedStore {
  /**
   * @param {object} options
   * @param {(error: unknown, quiet: boolean) => void} options.onError
   * @param {(before: number, now: number) => void} [options.onCount]
   * @param {typeof api} [options.requests]
   */
  constructor({ onError, onCount = () => {}, requests = api }) {
    super({
      keyOf: ({ id }) => id,
      onError,
      fetchPage: (page) =>
        requests.notifications({ ...page, ...(this.filter.value === 'unread' ? { state: 'unread' } : {}) }),
    });
    this.api = requests;
    this.onCount = onCount;
    this.filter = signal(/** @type {InboxFilter} */ ('all'));
    this.unread = signal(0);
    this.isCounted = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.counting = undefined;
  }

  async count() {
    this.counting = undefined;
    try {
      const before = this.unread.value;
      const { count } = await this.api.unread();
      this.unread.value = count;
      if (this.isCounted) this.onCount(before, count);
      this.isCounted = true;
    } catch (error) {
      this.onError(error, true);
    }
  }

  /**
   * @override
   * @param {ChangeEvent} event
   */
  apply(event) {
    if (event.entity_type === 'notification') this.resync();
  }

  /** @override */
  resync() {
    this.counting ??= setTimeout(() => this.count(), COUNT_AFTER);
    // Short: what has just come is what the person looks for.
    this.refreshedAt = -Infinity;
    this.refreshSoon();
  }

  /** @param {InboxFilter} filter */
  show(filter) {
    this.filter.value = filter;
    return this.loadOther();
  }

  /** @param {Notification} item */
  async markRead(item) {
    if (item.read) return;
    this.replace({ ...item, read: true });
    this.unread.value = Math.max(0, this.unread.value - 1);
    await this.api.changeNotification(item.id, { read: true });
  }

  async readAll() {
    await this.api.markRead();
    this.items.value = this.items.value.map((each) => ({ ...each, read: true }));
    this.unread.value = 0;
  }

  /** @param {Notification} item */
  async archive(item) {
    await this.api.changeNotification(item.id, { archived: true });
    this.remove(item.id);
    await this.count();
  }
}
