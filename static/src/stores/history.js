/** The history of a document: its versions and the sessions of editing, as one list, the newest first. */
import { batch, computed, signal } from '@preact/signals';
import * as api from '../lib/api.js';
import { messageOf } from '../lib/request.js';
import { nameOf } from '../lib/moments.js';
import { EarlierTexts } from './earlier-texts.js';
import { PagedStore } from './paged-store.js';

/** @import { Moment } from '../lib/moments.js' */
/** @import { ChangeEvent, EditSession, Version } from '../lib/types.js' */

/**
 * `at`: milliseconds.
 * @typedef {{ key: string, at: number, version: Version }} VersionEntry
 * @typedef {{ key: string, at: number, session: EditSession }} SessionEntry
 * @typedef {VersionEntry | SessionEntry} Entry
 */

/**
 * @param {Version} version
 * @returns {VersionEntry}
 */
export const versionEntry = (version) => ({
  key: `v${version.number}`,
  at: Date.parse(version.created_at),
  version,
});

/** @param {EditSession} session */
const sessionKey = ({ from_seq: from, author }) => `s${from} ${author.id ?? author.name ?? ''}`;

/**
 * @param {EditSession} session
 * @returns {SessionEntry}
 */
const sessionEntry = (session) => ({ key: sessionKey(session), at: Date.parse(session.last_at), session });

/** @param {Entry} entry */
const rowOf = (entry) => ('version' in entry ? entry.version.seq : entry.session.to_seq);

/**
 * The newest first. A version of the same moment is newer than the session that it ends.
 * @param {Entry} a
 * @param {Entry} b
 */
const compare = (a, b) =>
  b.at - a.at || rowOf(b) - rowOf(a) || Number('version' in b) - Number('version' in a) || (a.key < b.key ? -1 : 1);

export class HistoryStore {
  /**
   * @param {object} options
   * @param {string} options.document the id of the document
   * @param {typeof api.versions} [options.fetchVersions]
   * @param {typeof api.editSessions} [options.fetchSessions]
   */
  constructor({ document, fetchVersions = api.versions, fetchSessions = api.editSessions }) {
    this.document = document;
    this.texts = new EarlierTexts(document);
    /** How often the document may have changed. */
    this.changed = signal(0);
    this.problem = signal('');
    this.isLoading = signal(false);
    const onError = (/** @type {unknown} */ error, /** @type {boolean} */ quiet) => {
      // A person who has asked for nothing keeps the entries that are shown.
      if (!quiet) this.problem.value = messageOf(error);
    };
    /** @type {PagedStore<Version>} */
    this.versions = new PagedStore({
      fetchPage: (page) => fetchVersions(document, page),
      keyOf: ({ number }) => `v${number}`,
      onError,
    });
    /** @type {PagedStore<EditSession>} */
    this.sessions = new PagedStore({
      fetchPage: (page) => fetchSessions(document, page),
      keyOf: sessionKey,
      onError,
    });
    this.loaded = computed(() => this.versions.loaded.value && this.sessions.loaded.value);
    this.hasMore = computed(() => this.versions.cursor.value !== null || this.sessions.cursor.value !== null);
    /** Entries without a gap: as far back as both lists are known. */
    this.entries = computed(() => {
      if (!this.loaded.value) return [];
      const horizon = this.horizon();
      return [...this.versions.items.value.map(versionEntry), ...this.sessions.items.value.map(sessionEntry)]
        .filter(({ at }) => at >= horizon)
        .sort(compare);
    });
  }

  /** The time of the last item of each list that has more pages. */
  ends() {
    const [version, session] = [this.versions.items.value.at(-1), this.sessions.items.value.at(-1)];
    return {
      versions: this.versions.cursor.value && version ? versionEntry(version).at : -Infinity,
      sessions: this.sessions.cursor.value && session ? sessionEntry(session).at : -Infinity,
    };
  }

  horizon() {
    const { versions, sessions } = this.ends();
    return Math.max(versions, sessions);
  }

  /** Reads the history from its newest entry, as far as it was loaded. */
  load() {
    return this.during(() => Promise.all([this.versions.load(), this.sessions.load()]));
  }

  /** Reads the next page of the list that ends first, or of both. */
  loadMore() {
    const { versions, sessions } = this.ends();
    return this.during(() =>
      Promise.all([versions >= sessions && this.versions.loadMore(), sessions >= versions && this.sessions.loadMore()]),
    );
  }

  /** @param {() => Promise<unknown>} read */
  async during(read) {
    batch(() => {
      this.problem.value = '';
      this.isLoading.value = true;
    });
    try {
      await read();
    } finally {
      this.isLoading.value = false;
    }
  }

  /**
   * The text at a moment. `since`: its differences from what was before, or from there until now.
   * @param {Moment} moment
   * @param {'before' | 'now' | null} since
   */
  async read({ entry, point }, since) {
    if (since === null) return this.texts.read(point);
    if (since === 'now') return this.texts.compare(nameOf(point), 'now');
    return this.texts.compare(await this.pointBefore(entry), nameOf(point));
  }

  /**
   * The point before a version or a session, as requests for differences name it.
   * @param {Entry} entry
   */
  async pointBefore(entry) {
    if ('session' in entry) return `seq:${Math.max(0, entry.session.from_seq - 1)}`;
    const { number } = entry.version;
    const older = () => this.versions.items.value.find((each) => each.number < number);
    if (!older() && this.versions.cursor.value) await this.versions.loadMore();
    return String(older()?.number ?? 'seq:0');
  }

  /**
   * Takes a live event into account. An edit of the content is an event of the document.
   * @param {ChangeEvent} event
   */
  apply(event) {
    const isVersion = event.entity_type === 'version';
    if ((isVersion || event.entity_type === 'document') && event.document_id === this.document) this.resync();
  }

  resync() {
    this.texts.forgetPresent();
    this.changed.value += 1;
    this.versions.refreshSoon();
    this.sessions.refreshSoon();
  }
}
