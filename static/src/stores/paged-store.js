/** The base of the stores: rows that the API answers page by page, kept current by live events. */
import { batch, signal } from '@preact/signals';

/** @import { ChangeEvent, Page } from '../lib/types.js' */

/** Milliseconds. Events that arrive together cause one request. */
const REFRESH_DELAY = 300;
/** Milliseconds between two refreshes, at least. */
const REFRESH_INTERVAL = 5000;
export const PAGE_SIZE = 30;
/** Rows of the longest page that the API answers. */
const LONGEST_PAGE = 200;

/** @template {object} T */
export class PagedStore {
  /**
   * @param {object} options
   * @param {(query: { cursor: string | null, limit: number }) => Promise<Page<T>>} options.fetchPage
   * @param {(item: T) => string} options.keyOf
   * @param {(error: unknown, quiet: boolean) => void} options.onError `quiet`: the person did not ask for this request
   */
  constructor({ fetchPage, keyOf, onError }) {
    this.fetchPage = fetchPage;
    this.keyOf = keyOf;
    this.onError = onError;
    this.items = signal(/** @type {T[]} */ ([]));
    this.cursor = signal(/** @type {string | null} */ (null));
    /** Whether the first page has arrived. */
    this.loaded = signal(false);
    /** The number of the newest request. Answers to older ones are ignored. */
    this.requests = 0;
    this.refreshedAt = -Infinity;
    /** Whether the rows are still those of another list, or none at all. */
    this.isFresh = true;
    /** Whether something has changed since the first page was asked for. */
    this.isStale = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.turn = Promise.resolve();
  }

  /** Reads the list from its beginning, as far as it was loaded. */
  load() {
    return this.read({ after: null });
  }

  loadMore() {
    return this.inTurn(() => (this.cursor.value ? this.read({ after: this.cursor.value }) : undefined));
  }

  /**
   * Reads after what is being read: a refresh and a further page must not make each other's answers void. Another list
   * that is being loaded makes both of them void.
   * @param {() => Promise<void> | undefined} read
   */
  inTurn(read) {
    this.turn = this.turn.catch(() => {}).then(() => (this.isFresh ? undefined : read()));
    return this.turn;
  }

  /** Reads the list again without being asked by the person. */
  refresh() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.refreshedAt = Date.now();
    return this.inTurn(() => this.read({ after: null, quiet: true }));
  }

  /** Refreshes soon: once for all events that arrive until then. */
  refreshSoon() {
    this.isStale ||= this.isFresh;
    if (this.timer !== undefined || this.isFresh) return;
    const wait = Math.max(REFRESH_DELAY, this.refreshedAt + REFRESH_INTERVAL - Date.now());
    this.timer = setTimeout(() => this.refresh(), wait);
  }

  /** Loads another list. The old rows stay until it has arrived. */
  loadOther() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.isFresh = true;
    this.isStale = false;
    return this.load();
  }

  /** Called when rows have arrived, before they are shown. */
  onRows() {}

  /**
   * Puts the changed values of an item into the list.
   * @param {T} changed
   */
  replace(changed) {
    const key = this.keyOf(changed);
    this.items.value = this.items.value.map((item) => (this.keyOf(item) === key ? { ...item, ...changed } : item));
  }

  /** @param {string} key */
  remove(key) {
    const left = this.items.value.filter((item) => this.keyOf(item) !== key);
    if (left.length < this.items.value.length) this.items.value = left;
  }

  /**
   * Takes a live event into account.
   * @param {ChangeEvent} _event
   */
  apply(_event) {
    this.refreshSoon();
  }

  resync() {
    this.refreshSoon();
  }

  /** @param {{ after: string | null, quiet?: boolean }} options */
  async read({ after, quiet = false }) {
    const length = this.isFresh ? 0 : this.items.value.length;
    const limit = after ? PAGE_SIZE : Math.min(Math.max(PAGE_SIZE, length), LONGEST_PAGE);
    this.requests += 1;
    const number = this.requests;
    try {
      const page = await this.fetchPage({ cursor: after, limit });
      if (number !== this.requests) return;
      const before = this.items.value;
      // Rows of later pages stay, so that a refresh never shortens a long list under the reader.
      // An answer without a cursor is the whole list.
      const isPart = !after && length > LONGEST_PAGE && page.next_cursor !== null;
      this.isFresh = false;
      batch(() => {
        this.onRows();
        if (after) this.items.value = [...before, ...this.missing(page.items, before)];
        else this.items.value = isPart ? [...page.items, ...this.missing(before, page.items)] : page.items;
        if (!isPart) this.cursor.value = page.next_cursor;
        this.loaded.value = true;
      });
      if (this.isStale) {
        this.isStale = false;
        this.refreshSoon();
      }
    } catch (error) {
      if (number === this.requests) this.onError(error, quiet);
    }
  }

  /**
   * The items of `some` that are not among `others`.
   * @param {T[]} some
   * @param {T[]} others
   */
  missing(some, others) {
    const keys = new Set(others.map(this.keyOf));
    return some.filter((item) => !keys.has(this.keyOf(item)));
  }
}
