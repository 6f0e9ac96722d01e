/** The documents of a list: the query, the rows, and the people in each document. */
import { signal } from '@preact/signals';
import { keptDocuments } from '../lib/kept-answers.js';
import { isFixed, keptFor, requestFor } from '../lib/list-query.js';
import { isUnreachable, request } from '../lib/request.js';
import { PagedStore } from './paged-store.js';

/** @import { ListQuery } from '../lib/list-query.js' */
/** @import { ChangeEvent, Doc, DocumentPresence, Hit, Page } from '../lib/types.js' */

/** @typedef {Doc | Hit} Row a document, or what the search has found */

/**
 * @param {Row} row
 * @returns {row is Hit}
 */
export function isHit(row) {
  return 'snippet' in row && row.snippet !== undefined;
}

/** @type {(row: Row) => Doc} */
export const documentOf = (row) => (isHit(row) ? row.document : row);

/** Entities whose changes may change what a row shows, or which rows there are. */
const RELEVANT = new Set(['document', 'favourite', 'tag', 'category', 'comment']);

/** @extends {PagedStore<Row>} */
export class DocumentStore extends PagedStore {
  /**
   * @param {object} options
   * @param {string} options.workspace the id of the workspace
   * @param {string} options.person the id of the current user
   * @param {ListQuery} options.query
   * @param {(error: unknown, quiet: boolean) => void} options.onError
   * @param {typeof request} [options.send]
   */
  constructor({ workspace, person, query, onError, send = request }) {
    super({
      keyOf: (row) => documentOf(row).id,
      onError,
      fetchPage: async (page) => {
        const { path, query: wanted } = requestFor(this.query.value, { workspace, person });
        try {
          /** @type {Page<Row & { document?: Doc }>} */
          const found = await send(path, { query: { ...wanted, ...page } });
          this.isKept.value = false;
          return { ...found, items: this.withPresence(found.items.map(flattened)) };
        } catch (error) {
          const kept =
            isUnreachable(error) && this.isFresh ? keptFor(this.query.value, workspace, keptDocuments()) : null;
          if (!kept) throw error;
          this.isKept.value = true;
          return { items: kept, next_cursor: null };
        }
      },
    });
    /** Whether the rows are those documents that this browser has kept, because the server cannot be reached. */
    this.isKept = signal(false);
    this.workspace = workspace;
    /** @type {Map<string, DocumentPresence> | null} The people in the workspace's documents, once they have been read. */
    this.presence = null;
    /** What is asked for. */
    this.query = signal(query);
    /** What the rows are an answer to. */
    this.shownQuery = signal(query);
  }

  /** @override */
  onRows() {
    this.shownQuery.value = this.query.value;
  }

  /**
   * Loads the list for another query.
   * @param {ListQuery} query
   */
  ask(query) {
    this.query.value = query;
    return this.loadOther();
  }

  /** Whether the list may show documents of workspaces other than its own. */
  get isWide() {
    const { view, everywhere } = this.query.value;
    return isFixed(view) || everywhere;
  }

  /**
   * Removes a deleted document at once. Reads the list again after other changes, because they may move a row or bring a
   * new one, but not where the row has the new version already.
   * @override
   * @param {ChangeEvent} event
   */
  apply(event) {
    const { entity_type: type, entity_id: id, operation, workspace_id: workspace, row_version: version } = event;
    if (!RELEVANT.has(type) || (workspace !== this.workspace && !this.isWide)) return;
    if (type === 'document') {
      const row = this.items.value.find((each) => documentOf(each).id === id);
      if (operation === 'update' && row && version !== null && documentOf(row).row_version >= version) return;
      if (
        operation === 'delete' &&
        this.query.value.view !== 'trash' &&
        row &&
        documentOf(row).workspace_id === workspace
      )
        this.remove(id);
    }
    this.refreshSoon();
  }

  /**
   * Shows the people in the documents of the workspace.
   * @param {DocumentPresence[]} present
   */
  showPresence(present) {
    this.presence = new Map(present.map((one) => [one.document_id, one]));
    this.items.value = this.withPresence(this.items.value);
  }

  /**
   * The rows with the people that were last read. An answer with rows may be older than these.
   * @param {Row[]} rows
   */
  withPresence(rows) {
    const { presence } = this;
    if (!presence) return rows;
    const shown = rows.map((row) => {
      if (isHit(row) || row.workspace_id !== this.workspace) return row;
      const { people, present } = presence.get(row.id) ?? { people: 0, present: [] };
      if ((row.people ?? 0) === people && JSON.stringify(row.present ?? []) === JSON.stringify(present)) return row;
      return { ...row, people, present };
    });
    return shown.some((row, index) => row !== rows[index]) ? shown : rows;
  }
}

/**
 * The list of recent documents wraps each document.
 * @param {Row & { document?: Doc }} row
 * @returns {Row}
 */
const flattened = (row) => (row.document && !isHit(row) ? { ...row.document, ...row, document: undefined } : row);
