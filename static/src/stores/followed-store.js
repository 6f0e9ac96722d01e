/** The base of stores that read again what live events name. */

/** @import { ChangeEvent } from '../lib/types.js' */

/** Milliseconds. Events that arrive together cause one round of requests. */
const READ_AFTER = 120;

export class FollowedStore {
  /**
   * @param {object} options
   * @param {string} options.document the id of the document
   * @param {readonly string[]} options.entities whose events concern the store
   * @param {number} [options.few] so many entities are read one by one; more of them are read as a list
   */
  constructor({ document, entities, few = 0 }) {
    this.document = document;
    this.entities = new Set(entities);
    this.few = few;
    /** Whether somebody has asked for the entities. Until then events cause no requests. */
    this.isWanted = true;
    this.isReading = false;
    /** Entities that have changed since they were read. @type {Set<string>} */
    this.changed = new Set();
    this.isStale = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /** Whether everything was read once. */
  get isLoaded() {
    return true;
  }

  /** Reads everything. */
  async load() {
    throw new Error('a store says how it is read');
  }

  /**
   * Reads one entity. Called only where `few` is more than 0.
   * @param {string} _id
   */
  async read(_id) {
    throw new Error('this store reads everything at once');
  }

  /**
   * Whether a live event is about the store's entities.
   * @param {ChangeEvent} event
   */
  concerns(event) {
    return this.entities.has(event.entity_type) && event.document_id === this.document;
  }

  /**
   * Takes a live event into account.
   * @param {ChangeEvent} event
   */
  apply(event) {
    if (!this.concerns(event)) return;
    this.changed.add(event.entity_id);
    this.readSoon();
  }

  /** Reads everything again, because events may be missing. */
  resync() {
    this.isStale = true;
    this.readSoon();
  }

  readSoon() {
    if (!this.isWanted || this.timer !== undefined || this.isReading) return;
    this.timer = setTimeout(() => this.readChanged(), READ_AFTER);
  }

  async readChanged() {
    this.timer = undefined;
    this.isReading = true;
    const ids = [...this.changed];
    const all = this.isStale || ids.length > this.few || !this.isLoaded;
    this.changed.clear();
    this.isStale = false;
    try {
      if (all) await this.load();
      else await Promise.all(ids.map((id) => this.read(id)));
    } finally {
      this.isReading = false;
    }
    if (this.changed.size > 0 || this.isStale) this.readSoon();
  }
}
