/** The public page of a document. Live events of the document keep it current. */
import { signal } from '@preact/signals';
import { changeDocument } from '../lib/api.js';
import { messageOf } from '../lib/request.js';
import * as api from '../lib/shares-api.js';
import { FollowedStore } from './followed-store.js';

/** @import { PublicPage } from '../lib/share-types.js' */

const requests = { ...api, changeDocument };

export class PublicPageStore extends FollowedStore {
  /**
   * @param {object} options
   * @param {string} options.document the id of the document
   * @param {typeof requests} [options.requests]
   */
  constructor({ document, requests: given = requests }) {
    super({ document, entities: ['document'] });
    this.api = given;
    this.page = signal(/** @type {PublicPage | null} */ (null));
    this.problem = signal('');
  }

  /** @override */
  async load() {
    try {
      this.page.value = await this.api.publicPage(this.document);
      this.problem.value = '';
    } catch (error) {
      this.problem.value = messageOf(error);
    }
  }

  /** @param {boolean} wanted whether everybody may read the document */
  async publish(wanted) {
    await this.api.changeDocument(this.document, { is_public: wanted });
    await this.load();
  }

  /** @param {{ slug?: string, indexable?: boolean, live?: boolean }} change */
  async change(change) {
    this.page.value = await this.api.changePublicPage(this.document, change);
  }
}
