/** The open suggestions of a document. Live events keep them current. */
import { computed, signal } from '@preact/signals';
import * as api from '../lib/comments-api.js';
import { messageOf } from '../lib/request.js';

/** @import { Suggestion } from '../lib/discussion-types.js' */
/** @import { ChangeEvent } from '../lib/types.js' */

/** Milliseconds. Events that arrive together cause one request. */
const READ_AFTER = 150;
const PAGE = 200;

export class SuggestionStore {
  /**
   * @param {object} options
   * @param {string} options.document the id of the document
   * @param {typeof api} [options.requests]
   */
  constructor({ document, requests = api }) {
    this.document = document;
    this.api = requests;
    this.items = signal(/** @type {Suggestion[]} */ ([]));
    this.problem = signal('');
    this.open = computed(() => this.items.value.filter(({ status }) => status === 'open' || status === 'stale'));
    this.isReading = false;
    this.isStale = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  async load() {
    try {
      /** @type {Suggestion[]} */
      const found = [];
      for (const state of ['open', 'stale']) {
        let cursor = null;
        do {
          const page = await this.api.suggestions(this.document, { state, limit: PAGE, cursor });
          found.push(...page.items);
          cursor = page.next_cursor;
        } while (cursor);
      }
      this.items.value = found;
      this.problem.value = '';
    } catch (error) {
      this.problem.value = messageOf(error);
    }
  }

  /** @param {boolean} accepted whether all of them are accepted, or rejected */
  async decideAll(accepted) {
    try {
      await this.api.decideAll(this.document, accepted);
    } catch (error) {
      this.problem.value = messageOf(error);
    }
    await this.load();
  }

  /**
   * Takes a live event into account.
   * @param {ChangeEvent} event
   */
  apply(event) {
    if (event.entity_type === 'suggestion' && event.document_id === this.document) this.resync();
  }

  resync() {
    this.isStale = true;
    if (this.timer !== undefined || this.isReading) return;
    this.timer = setTimeout(() => this.readAgain(), READ_AFTER);
  }

  async readAgain() {
    this.timer = undefined;
    this.isReading = true;
    this.isStale = false;
    try {
      await this.load();
    } finally {
      this.isReading = false;
    }
    if (this.isStale) this.resync();
  }
}
