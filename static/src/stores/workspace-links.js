/** The links of a workspace to many documents. Live events keep them current. */
import { batch, signal } from '@preact/signals';
import { categories, tags } from '../lib/api.js';
import { messageOf } from '../lib/request.js';
import * as api from '../lib/shares-api.js';
import { FollowedStore } from './followed-store.js';
import { wholeOf } from './whole-list.js';

/** @import { Share } from '../lib/share-types.js' */
/** @import { ChangeEvent } from '../lib/types.js' */

export class WorkspaceLinkStore extends FollowedStore {
  /** @param {string} workspace the id of the workspace */
  constructor(workspace) {
    super({ document: '', entities: ['share'] });
    this.workspace = workspace;
    this.links = signal(/** @type {Share[]} */ ([]));
    /** What a link may open: `''`, `tag <id>` or `category <id>`, and words. @type {[string, string][]} */
    this.scopes = [['', 'All documents']];
    this.loaded = signal(false);
    this.problem = signal('');
  }

  /** @override */
  async load() {
    try {
      const [links, tagged, sorted] = await Promise.all([
        wholeOf((query) => api.workspaceShares(this.workspace, query)),
        tags(this.workspace),
        categories(this.workspace),
      ]);
      this.scopes = [
        ['', 'All documents'],
        ...tagged.items.map(({ id, name }) => /** @type {[string, string]} */ ([`tag ${id}`, `Tag ${name}`])),
        ...sorted.items.map(({ id, name }) => /** @type {[string, string]} */ ([`category ${id}`, `Category ${name}`])),
      ];
      batch(() => {
        this.links.value = links.toReversed();
        this.problem.value = '';
        this.loaded.value = true;
      });
    } catch (error) {
      this.problem.value = messageOf(error);
    }
  }

  /**
   * @param {ChangeEvent} event
   * @override
   */
  concerns(event) {
    return event.entity_type === 'share' && event.document_id === null && event.workspace_id === this.workspace;
  }

  /**
   * What a link opens, in words.
   * @param {Share} link
   */
  scopeOf({ tag_id: tag, category_id: category }) {
    const key = tag ? `tag ${tag}` : category ? `category ${category}` : '';
    return this.scopes.find(([scope]) => scope === key)?.[1] ?? (tag ? 'A tag' : 'A category');
  }

  /** @param {Share} link as an answer to a change has it */
  put(link) {
    const { value } = this.links;
    const isKnown = value.some(({ id }) => id === link.id);
    this.links.value = isKnown ? value.map((each) => (each.id === link.id ? link : each)) : [link, ...value];
  }

  /** @param {string} id */
  drop(id) {
    this.links.value = this.links.value.filter((each) => each.id !== id);
  }
}
