/** The files of a document, the newest first. Live events keep them current. */
import { batch, computed, signal } from '@preact/signals';
import * as api from '../lib/attachments-api.js';
import { messageOf, statusOf } from '../lib/request.js';
import { FollowedStore } from './followed-store.js';

/** @import { Attachment } from '../lib/attachment-types.js' */

/** Files that are read one by one. More of them are read as a list. */
const FEW = 8;
const PAGE = 200;

export class AttachmentStore extends FollowedStore {
  /**
   * @param {object} options
   * @param {string} options.document the id of the document
   * @param {typeof api} [options.requests]
   */
  constructor({ document, requests = api }) {
    super({ document, entities: ['attachment'], few: FEW });
    this.api = requests;
    /** @type {import('@preact/signals').Signal<Map<string, Attachment>>} */
    this.byId = signal(new Map());
    this.files = computed(() =>
      [...this.byId.value.values()].sort(
        (a, b) => Date.parse(b.created_at) - Date.parse(a.created_at) || (a.id < b.id ? 1 : -1),
      ),
    );
    this.loaded = signal(false);
    this.problem = signal('');
    this.isWanted = false;
  }

  /** @override */
  get isLoaded() {
    return this.loaded.value;
  }

  /**
   * Reads all files.
   * @override
   */
  async load() {
    this.isWanted = true;
    this.isStale = false;
    this.changed.clear();
    /** @type {Map<string, Attachment>} */
    const found = new Map();
    const before = this.byId.value;
    try {
      let cursor = null;
      do {
        const page = await this.api.attachments(this.document, { limit: PAGE, cursor });
        for (const each of page.items) found.set(each.id, each);
        cursor = page.next_cursor;
      } while (cursor);
    } catch (error) {
      this.problem.value = messageOf(error);
      return;
    }
    // What arrived or left while the list was read.
    for (const [id, each] of this.byId.value) if (before.get(id) !== each) found.set(id, each);
    for (const id of before.keys()) if (!this.byId.value.has(id)) found.delete(id);
    batch(() => {
      this.byId.value = found;
      this.problem.value = '';
      this.loaded.value = true;
    });
  }

  /** @param {Attachment} attachment as the server has answered */
  put(attachment) {
    const known = this.byId.value.get(attachment.id);
    if (known && known.row_version > attachment.row_version) return;
    this.byId.value = new Map(this.byId.value).set(attachment.id, attachment);
  }

  /** @param {string} id */
  drop(id) {
    const left = new Map(this.byId.value);
    if (left.delete(id)) this.byId.value = left;
  }

  /**
   * @override
   * @param {string} id
   */
  async read(id) {
    try {
      this.put(await this.api.attachment(id));
    } catch (error) {
      if (statusOf(error) === 404) this.drop(id);
      else this.problem.value = messageOf(error);
    }
  }
}
