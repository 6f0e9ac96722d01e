/** Follows the changes on the server: `GET /api/v1/sync/stream`, server-sent events. */

/** @import { ChangeEvent, PresenceEvent } from './types.js' */

/**
 * @typedef {object} Follower
 * @property {(event: ChangeEvent) => void} apply called for each change
 * @property {() => void} resync called when changes may have been missed: everything must be read again
 * @property {(event: PresenceEvent | null) => void} [presenceChanged] called when somebody came to a document or left it;
 *   null: somebody may have, because a stream tells nothing of people who came or left before it began
 */

const ADDRESS = '/api/v1/sync/stream';
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;

/**
 * One stream for all followers of a page. A hidden page closes it, because a browser opens only six HTTP/1.1 connections
 * to a server for all tabs. The stream of the page that is shown again begins after the last event.
 */
export class LiveEvents {
  /** @param {(url: string) => EventSource} [open] */
  constructor(open = (url) => new EventSource(url)) {
    this.open = open;
    /** @type {Set<Follower>} */
    this.followers = new Set();
    /** @type {EventSource | null} */
    this.source = null;
    /** The id of the last event: a cursor of the change feed. */
    this.cursor = '';
    this.wait = FIRST_WAIT;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** @param {Follower} follower */
  follow(follower) {
    this.followers.add(follower);
  }

  /** @param {Follower} follower */
  unfollow(follower) {
    this.followers.delete(follower);
  }

  start() {
    document.addEventListener('visibilitychange', () => this.connect());
    addEventListener('pageshow', (event) => {
      if (event.persisted) this.connect();
    });
    addEventListener('pagehide', () => this.disconnect());
    this.connect();
  }

  connect() {
    this.disconnect();
    if (document.hidden) return;
    const source = this.open(this.cursor ? `${ADDRESS}?cursor=${encodeURIComponent(this.cursor)}` : ADDRESS);
    this.source = source;
    source.addEventListener('open', () => {
      this.wait = FIRST_WAIT;
      if (!this.cursor) this.resync();
      this.tellPresence(null);
    });
    source.addEventListener('change', (message) => {
      this.cursor = message.lastEventId || this.cursor;
      const event = JSON.parse(message.data);
      for (const follower of this.followers) follower.apply(event);
    });
    source.addEventListener('presence', (message) => this.tellPresence(JSON.parse(message.data)));
    source.addEventListener('resync', (message) => {
      this.cursor = message.lastEventId || this.cursor;
      this.resync();
    });
    source.addEventListener('error', () => {
      // A browser reconnects by itself after a lost connection, but not after an answer other than 200.
      if (source.readyState === source.CLOSED && this.source === source) this.retry();
    });
  }

  disconnect() {
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
  }

  /** Tries again later. No event arrives until then, so each attempt reads everything again. */
  retry() {
    this.disconnect();
    this.timer = setTimeout(() => {
      this.connect();
      this.resync();
    }, this.wait);
    this.wait = Math.min(LONGEST_WAIT, this.wait * 2);
  }

  /** @param {PresenceEvent | null} event */
  tellPresence(event) {
    for (const follower of this.followers) follower.presenceChanged?.(event);
  }

  resync() {
    for (const follower of this.followers) follower.resync();
  }
}
