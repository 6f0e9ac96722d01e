/** The comments of a document, as threads. Live events keep them current. */
import { batch, computed, signal } from '@preact/signals';
import * as api from '../lib/comments-api.js';
import { messageOf, statusOf } from '../lib/request.js';
import { FollowedStore } from './followed-store.js';

/** @import { Comment } from '../lib/discussion-types.js' */

/** Comments that are read one by one. More of them are read as a list. */
const FEW = 8;
const PAGE = 200;

/**
 * `root`: its first comment. `replies`: the others, the oldest first.
 * @typedef {{ id: string, root: Comment, replies: Comment[] }} Thread
 * @typedef {'open' | 'resolved' | 'mine'} Filter
 */

/**
 * @param {Comment[]} comments
 * @returns {Thread[]} in the order of the text; threads about the whole document come last, the oldest first
 */
export function threadsOf(comments) {
  /** @type {Map<string, Comment[]>} */
  const groups = new Map();
  for (const each of comments) groups.set(each.thread_id, [...(groups.get(each.thread_id) ?? []), each]);
  const threads = [...groups].flatMap(([id, group]) => {
    const sorted = group.toSorted(
      (a, b) => Date.parse(a.created_at) - Date.parse(b.created_at) || (a.id < b.id ? -1 : 1),
    );
    const root = sorted.find((each) => each.id === id);
    if (!root) return [];
    const replies = sorted.filter((each) => each !== root && !each.deleted);
    return root.deleted && replies.length === 0 ? [] : [{ id, root, replies }];
  });
  const place = (/** @type {Thread} */ { root }) => root.anchor?.start ?? Infinity;
  const age = (/** @type {Thread} */ { root }) => Date.parse(root.created_at);
  return threads.sort((a, b) => (place(a) === place(b) ? age(a) - age(b) : place(a) - place(b)));
}

export class CommentStore extends FollowedStore {
  /**
   * @param {object} options
   * @param {string} options.document the id of the document
   * @param {string | null} options.user the id of the account that reads
   * @param {typeof api} [options.requests]
   */
  constructor({ document, user, requests = api }) {
    super({ document, entities: ['comment'], few: FEW });
    this.user = user;
    this.api = requests;
    /** @type {import('@preact/signals').Signal<Map<string, Comment>>} */
    this.comments = signal(new Map());
    this.loaded = signal(false);
    this.problem = signal('');
    this.threads = computed(() => threadsOf([...this.comments.value.values()]));
    this.open = computed(() => this.threads.value.filter(({ root }) => !root.resolved));
  }

  /** @override */
  get isLoaded() {
    return this.loaded.value;
  }

  /**
   * @param {Filter} filter
   * @returns {Thread[]}
   */
  find(filter) {
    if (filter === 'open') return this.open.value;
    if (filter === 'resolved') return this.threads.value.filter(({ root }) => root.resolved);
    const isMine = (/** @type {Comment} */ { author, mentions }) =>
      this.user !== null && (author.id === this.user || mentions.some(({ id }) => id === this.user));
    return this.threads.value.filter(({ root, replies }) => [root, ...replies].some(isMine));
  }

  /**
   * Reads all comments.
   * @override
   */
  async load() {
    try {
      /** @type {Map<string, Comment>} */
      const found = new Map();
      let cursor = null;
      do {
        const page = await this.api.comments(this.document, { limit: PAGE, cursor });
        for (const each of page.items) found.set(each.id, each);
        cursor = page.next_cursor;
      } while (cursor);
      batch(() => {
        this.comments.value = found;
        this.problem.value = '';
        this.loaded.value = true;
      });
    } catch (error) {
      this.problem.value = messageOf(error);
    }
  }

  /** @param {Comment} comment as an answer to a change has it */
  put(comment) {
    const known = this.comments.value.get(comment.id);
    if (known && known.row_version > comment.row_version) return;
    this.comments.value = new Map(this.comments.value).set(comment.id, comment);
  }

  /** @param {string} id */
  drop(id) {
    const left = new Map(this.comments.value);
    if (left.delete(id)) this.comments.value = left;
  }

  /**
   * @override
   * @param {string} id
   */
  async read(id) {
    try {
      this.put(await this.api.comment(id));
    } catch (error) {
      // A root that is gone stays as long as it has replies: only the list knows.
      if (statusOf(error) === 404) {
        if (this.threads.value.some((thread) => thread.id === id && thread.replies.length > 0)) this.isStale = true;
        else this.drop(id);
      } else this.problem.value = messageOf(error);
    }
  }
}
