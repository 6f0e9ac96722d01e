/**
 * One open document: the Y.Doc, its connection, its copy in this browser, and their status.
 */
import * as decoding from 'lib0/decoding';
import * as Y from 'yjs';
import { RequestError, statusOf } from '../lib/request.js';
import { roomOf } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { isEmpty } from './content.js';
import { EventsProvider } from './events-provider.js';
import { handOver, isStale } from './hand-over.js';
import { isOfLink, leaveLink } from './link.js';
import { memory } from '../lib/identity.js';
import { openLocalCopy } from './local-copy.js';
import { COMMITTED, LIVE_EVENT, watchedWebSocket } from './socket.js';
import { initialStatus, mayLeave, reduce, view } from './status.js';

const UNAUTHENTICATED = 4401;
const AUTH = 2;
const READS_ONLY = new Set(['viewer', 'commenter']);
const idKey = (/** @type {string} */ address) => `id:${address}`;
const generationKey = (/** @type {string} */ id) => `generation:${id}`;

/** @import { Editor } from './editor-types.js' */
/** @import { ChangeEvent, Doc } from '../lib/types.js' */
/** @import { StatusEvent } from './status.js' */

export class Session extends EventTarget {
  /**
   * Events: `status`, `synced` (the document's text is here), `details` (title, role or id changed), `live` (a live event
   * of the document; `detail` is the ChangeEvent, null where events may be missing), `renewing` and `renewed` (before and
   * after another editor takes the place of the shown one: the document was replaced, or is edited in another way).
   * @param {string} address
   * @param {{ socketUrl: string, now?: () => number, link?: string | null }} options `link`: the token of an opened link
   */
  constructor(address, { socketUrl, now = () => Date.now(), link = null }) {
    super();
    this.link = link;
    this.address = address;
    this.now = now;
    this.socketUrl = socketUrl;
    /** The generation of the copy; null: not known yet. */
    this.generation = /** @type {number | null} */ (null);
    /** The generation that the open socket has told. */
    this.offered = 0;
    /** Whether the server is being given what a replaced copy holds. */
    this.isHandingOver = false;
    /** Whether a copy is loaded that takes the place of a replaced one. */
    this.isRenewing = false;
    /** @type {Doc | null} */
    this.details = null;
    /** @type {Editor | null} */
    this.editor = null;
    /** @type {{ discard: () => Promise<void> } | null} */
    this.copy = null;
    /** What the editor shows in the document's place while somebody types a suggestion. */
    this.proposal = /** @type {{ doc: Y.Doc, text: Y.Text } | null} */ (null);
    /** Loads what will show the document. @type {() => Promise<void>} */
    this.prepare = async () => {};
    this.loaded = false;
    this.refused = false; // the open socket was told that it may not write
    this.status = initialStatus();
    const { doc, provider } = this.make();
    this.doc = doc;
    this.provider = provider;
  }

  /** Makes an empty copy of the document, and what connects it. */
  make() {
    const doc = new Y.Doc();
    const isCurrent = () => this.doc === doc;
    // Before the provider's listener, which sends: an edit is made first, and leaves then.
    doc.on('update', (_update, origin, _doc, { local }) => {
      if (origin !== provider) this.apply({ type: 'edited', own: local });
    });
    const at = () => this.now();
    /** @type {import('./socket.js').Watch} */
    const watch = {
      opened: () => {
        this.refused = false;
        this.apply({ type: 'opened', at: at() });
      },
      answered: () => this.apply({ type: 'answered', at: at() }),
      sent: () => this.apply({ type: 'sent', at: at() }),
      committed: (count) => this.apply({ type: 'committed', count }),
      refused: () => this.refuse(),
      closed: (code, reason) => isCurrent() && this.closed(code, reason),
    };
    const provider = new EventsProvider(this.socketUrl, this.details?.id ?? roomOf(this.address), doc, {
      watched: (Socket) => watchedWebSocket(watch, Socket),
      locate: () => this.locate(),
      connect: false,
      // Edits of another tab would show here without this tab's socket having sent them: "saved" could not be known.
      disableBc: true,
      params: { acks: '1', events: '1', ...(this.link && { share: this.link }) },
    });
    provider.messageHandlers[AUTH] = () => {};
    provider.messageHandlers[COMMITTED] = () => {};
    provider.messageHandlers[LIVE_EVENT] = (_encoder, decoder) =>
      this.follow(JSON.parse(decoding.readVarString(decoder)));
    provider.on('sync', (synced) => {
      if (synced) this.synced();
    });
    return { doc, provider };
  }

  get awareness() {
    return this.provider.awareness;
  }

  get shown() {
    return view(this.status, this.now());
  }

  get mayLeave() {
    return mayLeave(this.status);
  }

  get readOnly() {
    return this.status.readOnly || this.status.link === 'ended' || this.isRenewing;
  }

  /** @param {StatusEvent} event */
  apply(event) {
    const before = this.status;
    this.status = reduce(before, event);
    if (this.status !== before) this.dispatchEvent(new Event('status'));
  }

  /** Finds the document, loads this browser's copy, and connects. Throws a RequestError when access is refused. */
  async open() {
    this.apply({ type: 'dialling' });
    /** @type {string | null} */
    let id = null;
    try {
      const details = await api.lookup(this.address);
      this.describe(details);
      id = details.id;
    } catch (error) {
      if (!(error instanceof RequestError) || error.code === 'ambiguous_address') throw error;
      if (error.status === 401 || error.status === 403) throw error;
      // Not found: the server creates the document at the connection. Unreachable: the id of the last visit names the copy.
      if (error.status !== 404) id = memory.get(idKey(this.address));
    }
    if (id) await this.adopt(id);
    this.connect();
  }

  /** The document's id. Creates the document where there is none at the address. */
  async locate() {
    if (this.details) return this.details.id;
    const details = await api.lookup(this.address).catch((error) => {
      if (statusOf(error) !== 404) throw error;
      return api.createAt(this.address);
    });
    this.describe(details);
    await this.adopt(details.id);
    return details.id;
  }

  connect() {
    if (this.isHandingOver) return;
    this.apply({ type: 'dialling' });
    this.provider.connect();
  }

  /**
   * Connects by the document's id from now on, so that another document that takes over its name is not taken for it.
   * @param {string} id
   */
  async adopt(id) {
    memory.set(idKey(this.address), id);
    this.provider.roomname = id;
    if (this.copy || this.status.readOnly || this.status.link === 'ended') return;
    const copy = await openLocalCopy(id, this.doc, {
      kept: () => this.apply({ type: 'kept' }),
      failed: () => this.apply({ type: 'keeping', keeps: false }),
    });
    if (!copy) return;
    this.copy = copy;
    this.apply({ type: 'keeping', keeps: true });
    const kept = memory.get(generationKey(id));
    if (kept !== null) this.generation = Number(kept);
    if (!isEmpty(this.doc)) this.arrived();
  }

  /** @param {Doc} details */
  describe(details) {
    this.details = details;
    this.apply({ type: 'role', readOnly: this.refused || READS_ONLY.has(details.role ?? '') });
    this.dispatchEvent(new Event('details'));
  }

  /**
   * Follows a live event of the document. Edits of its content have no row version, and arrive as updates.
   * @param {ChangeEvent | { type: 'resync' } | { type: 'generation', generation: number } | { type: 'role', can_edit: boolean }} event
   */
  follow(event) {
    if ('can_edit' in event) this.refused = !event.can_edit;
    else this.dispatchEvent(new CustomEvent('live', { detail: 'entity_type' in event ? event : null }));
    // The first one of a connection: events before it may be missing.
    if ('generation' in event) this.offered = event.generation;
    else if (!('entity_type' in event)) this.refresh();
    else if (event.entity_type === 'document' && (event.row_version ?? 0) > (this.details?.row_version ?? 0))
      this.refresh();
  }

  /** Reads title and role from the server again. Keeps the known ones when that fails. */
  async refresh() {
    try {
      const details = await (this.details ? api.document(this.details.id) : api.lookup(this.address));
      this.describe(details);
      if (!this.copy) await this.adopt(details.id);
    } catch (error) {
      if (error instanceof RequestError && error.status === 401) {
        this.provider.disconnect();
        this.closed(UNAUTHENTICATED, error.code);
      }
    }
  }

  arrived() {
    if (this.loaded) return;
    this.loaded = true;
    this.dispatchEvent(new Event('synced'));
  }

  async synced() {
    const { doc } = this;
    if (this.isRenewing) await this.prepare().catch(() => {});
    if (this.doc !== doc) return;
    this.generation = this.offered;
    if (this.details) memory.set(generationKey(this.details.id), String(this.generation));
    if (this.isRenewing) {
      this.isRenewing = false;
      this.dispatchEvent(new Event('renewed'));
      this.dispatchEvent(new Event('status'));
    }
    this.arrived();
    this.refresh();
  }

  refuse() {
    this.refused = true;
    this.apply({ type: 'role', readOnly: true });
    this.dispatchEvent(new Event('details'));
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  closed(code, reason) {
    if (isStale(code, reason) && this.details) handOver(this, this.details.id);
    else if (isOfLink(this, code, reason)) leaveLink(this, code, reason);
    else this.end(code, reason);
  }

  /** Begins anew with an empty copy. What is shown stays, and cannot be edited, until the document has been loaded. */
  async renew() {
    this.isRenewing = true;
    this.dispatchEvent(new Event('renewing'));
    this.dispatchEvent(new Event('status'));
    const state = this.awareness.getLocalState();
    this.provider.destroy();
    await this.discardCopy();
    const { doc, provider } = this.make();
    this.doc = doc;
    this.provider = provider;
    if (state) provider.awareness.setLocalState({ ...state, cursor: null });
    this.status = { ...initialStatus({ readOnly: this.status.readOnly }), everUp: true };
    if (this.details) await this.adopt(this.details.id);
    this.isHandingOver = false;
    this.connect();
    this.dispatchEvent(new Event('status'));
  }

  /**
   * @param {number} code
   * @param {string} reason
   */
  end(code, reason) {
    this.apply({ type: 'closed', code, reason, at: this.now() });
    if (this.status.link !== 'ended') return;
    this.dispatchEvent(new Event('details'));
    const { dirty, confirmed } = this.status;
    if (code !== UNAUTHENTICATED && confirmed && !dirty) this.discardCopy();
  }

  async discardCopy() {
    const { copy, details } = this;
    this.copy = null;
    memory.set(idKey(this.address), null);
    await copy?.discard();
    // Afterwards: a copy without a generation counts as one of the first.
    if (details) memory.set(generationKey(details.id), null);
  }
}
