/** Who may open a document: its shares, its other readers, and the requests for access. Live events keep them current. */
import { batch, computed, signal } from '@preact/signals';
import { messageOf, statusOf } from '../lib/request.js';
import * as api from '../lib/shares-api.js';
import { FollowedStore } from './followed-store.js';
import { wholeOf } from './whole-list.js';

/** @import { Access, AccessRequest, Share } from '../lib/share-types.js' */

export class ShareStore extends FollowedStore {
  /**
   * @param {object} options
   * @param {string} options.document the id of the document
   * @param {typeof api} [options.requests]
   */
  constructor({ document, requests = api }) {
    super({ document, entities: ['share', 'access_request'] });
    this.api = requests;
    this.shares = signal(/** @type {Share[]} */ ([]));
    this.people = computed(() => this.shares.value.filter(({ kind }) => kind === 'user'));
    this.links = computed(() => this.shares.value.filter(({ kind }) => kind === 'link').toReversed());
    this.access = signal(/** @type {Access | null} */ (null));
    this.requests = signal(/** @type {AccessRequest[]} */ ([]));
    this.loaded = signal(false);
    this.problem = signal('');
    /** Whether the person may not decide who opens the document. */
    this.refused = signal(false);
  }

  /** @override */
  async load() {
    try {
      const [shares, access, requests] = await Promise.all([
        wholeOf((query) => this.api.shares(this.document, query)),
        this.api.access(this.document),
        wholeOf((query) => this.api.accessRequests(this.document, query)),
      ]);
      batch(() => {
        this.shares.value = shares;
        this.access.value = access;
        this.requests.value = requests;
        this.problem.value = '';
        this.refused.value = false;
        this.loaded.value = true;
      });
    } catch (error) {
      if (statusOf(error) === 403 || statusOf(error) === 404) this.refused.value = true;
      else this.problem.value = messageOf(error);
    }
  }

  /** @param {Share} share as an answer to a change has it */
  put(share) {
    const { value } = this.shares;
    const isKnown = value.some(({ id }) => id === share.id);
    this.shares.value = isKnown ? value.map((each) => (each.id === share.id ? share : each)) : [...value, share];
  }

  /** @param {string} id */
  drop(id) {
    this.shares.value = this.shares.value.filter((each) => each.id !== id);
  }

  /** @param {string} id of a request that was decided */
  decided(id) {
    this.requests.value = this.requests.value.filter((each) => each.id !== id);
  }
}
