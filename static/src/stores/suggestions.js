/** The open suggestions of a document. Live events keep them current. */
import { computed, signal } from '@preact/signals';
import * as api from '../lib/comments-api.js';
import { messageOf } from '../lib/request.js';
import { FollowedStore } from './followed-store.js';

/** @import { Suggestion } from '../lib/discussion-types.js' */

const PAGE = 200;

export class SuggestionStore extends FollowedStore {
  /**
   * @param {object} options
   * @param {string} options.document the id of the document
   * @param {typeof api} [options.requests]
   */
  constructor({ document, requests = api }) {
    super({ document, entities: ['suggestion'] });
    this.api = requests;
    this.items = signal(/** @type {Suggestion[]} */ ([]));
    this.problem = signal('');
    this.open = computed(() => this.items.value.filter(({ status }) => status === 'open' || status === 'stale'));
  }

  /** @override */
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
}
