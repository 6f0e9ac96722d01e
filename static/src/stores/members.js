/** The members of a workspace, those with a name or an address that was asked for. */
import { signal } from '@preact/signals';
import * as api from '../lib/api.js';
import { PagedStore } from './paged-store.js';

/** @import { ChangeEvent, Member } from '../lib/types.js' */

/** @extends {PagedStore<Member>} */
export class MemberStore extends PagedStore {
  /**
   * @param {object} options
   * @param {string} options.workspace the id of the workspace
   * @param {(error: unknown, quiet: boolean) => void} options.onError
   * @param {typeof api.members} [options.fetchMembers]
   */
  constructor({ workspace, onError, fetchMembers = api.members }) {
    super({
      keyOf: (member) => member.user_id,
      onError,
      fetchPage: (page) => fetchMembers(workspace, { ...page, q: this.search.value }),
    });
    this.workspace = workspace;
    this.search = signal('');
  }

  /**
   * Loads the members whose name or address contains a text.
   * @param {string} text
   */
  find(text) {
    this.search.value = text;
    return this.loadOther();
  }

  /**
   * @override
   * @param {ChangeEvent} event
   */
  apply(event) {
    if (event.entity_type === 'member' && event.workspace_id === this.workspace) this.refreshSoon();
  }
}
