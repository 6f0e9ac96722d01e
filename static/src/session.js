/**
 * One open document: the Y.Doc, its connection, its copy in this browser, and what may be said about them. No DOM.
 */
import * as Y from 'yjs';
import { roomOf } from './addresses.js';
import * as api from './api.js';
import { EventsProvider } from './events-provider.js';
import { memory } from './identity.js';
import { openLocalCopy } from './local-copy.js';
import { COMMITTED, watchedWebSocket } from './socket.js';
import { initialStatus, mayLeave, reduce, view } from './status.js';

const UNAUTHENTICATED = 4401;
const AUTH = 2;
const READS_ONLY = new Set(['viewer', 'commenter']);
const idKey = (address) => `id:${address}`;

export class Session extends EventTarget {
  /** Events: `status`, `synced` (the document's text is here), `details` (title, role or id changed). */
  constructor(address, { socketUrl, now = () => Date.now() }) {
    super();
    this.address = address;
    this.now = now;
    this.doc = new Y.Doc();
    this.text = this.doc.getText('content');
    this.details = null;
    this.copy = null;
    this.loaded = false;
    this.refused = false; // the open socket was told that it may not write
    this.status = initialStatus();
    this.doc.on('update', (_update, origin, _doc, { local }) => {
      if (origin !== this.provider) this.apply({ type: 'edited', own: local });
    });
    const at = () => this.now();
    const watch = {
      opened: () => {
        this.refused = false;
        this.apply({ type: 'opened', at: at() });
      },
      answered: () => this.apply({ type: 'answered', at: at() }),
      sent: () => this.apply({ type: 'sent', at: at() }),
      committed: (count) => this.apply({ type: 'committed', count }),
      refused: () => this.refuse(),
      closed: (code, reason) => this.closed(code, reason),
    };
    this.provider = new EventsProvider(socketUrl, roomOf(address), this.doc, {
      watched: (Socket) => watchedWebSocket(watch, Socket),
      locate: () => this.locate(),
      connect: false,
      // Edits of another tab would show here without this tab's socket having sent them: "saved" could not be known.
      disableBc: true,
      params: { acks: '1' },
    });
    this.provider.messageHandlers[AUTH] = () => {};
    this.provider.messageHandlers[COMMITTED] = () => {};
    this.provider.on('sync', (synced) => { if (synced) this.synced(); });
  }

  get awareness() { return this.provider.awareness; }

  get shown() { return view(this.status, this.now()); }

  get mayLeave() { return mayLeave(this.status); }

  get readOnly() { return this.status.readOnly || this.status.link === 'ended'; }

  apply(event) {
    const before = this.status;
    this.status = reduce(before, event);
    if (this.status !== before) this.dispatchEvent(new Event('status'));
  }

  /** Finds the document, loads this browser's copy, and dials. Rejects with a RequestError when access is refused. */
  async open() {
    let id = null;
    try {
      this.describe(await api.lookup(this.address));
      id = this.details.id;
    } catch (error) {
      if (error.status === 401 || error.status === 403 || error.code === 'ambiguous_address') throw error;
      // Not found: the server creates it when we connect. Unreachable: the id of the last visit tells which copy is meant.
      if (error.status !== 404) id = memory.get(idKey(this.address));
    }
    if (id) await this.adopt(id);
    this.connect();
  }

  /** The document's id, for where the address alone does not do; makes it where the address is nobody's yet. */
  async locate() {
    if (this.details) return this.details.id;
    try {
      this.describe(await api.lookup(this.address));
    } catch (error) {
      if (error.status !== 404) throw error;
      this.describe(await api.createAt(this.address));
    }
    await this.adopt(this.details.id);
    return this.details.id;
  }

  connect() {
    this.apply({ type: 'dialling' });
    this.provider.connect();
  }

  /** From here on the document is meant by its id: another one that takes over its name is not this one. */
  async adopt(id) {
    memory.set(idKey(this.address), id);
    this.provider.roomname = id;
    if (this.copy || this.readOnly) return;
    const copy = await openLocalCopy(id, this.doc, {
      kept: () => this.apply({ type: 'kept' }),
      failed: () => this.apply({ type: 'keeping', keeps: false }),
    });
    if (!copy) return;
    this.copy = copy;
    this.apply({ type: 'keeping', keeps: true });
    if (this.text.length > 0) this.arrived();
  }

  describe(details) {
    this.details = details;
    this.apply({ type: 'role', readOnly: this.refused || READS_ONLY.has(details.role) });
    this.dispatchEvent(new Event('details'));
  }

  /** Asks the server anew for title and role; keeps what is known when it cannot say. */
  async refresh() {
    try {
      this.describe(await (this.details ? api.document(this.details.id) : api.lookup(this.address)));
    } catch (error) {
      if (error.status === 401) {
        this.provider.disconnect();
        this.closed(UNAUTHENTICATED, error.code);
      }
      return;
    }
    if (!this.copy) await this.adopt(this.details.id);
  }

  async rename(title) {
    this.describe(await api.rename(this.details.id, title));
    this.awareness.setLocalStateField('renamed', this.now());
  }

  arrived() {
    if (this.loaded) return;
    this.loaded = true;
    this.dispatchEvent(new Event('synced'));
  }

  synced() {
    this.arrived();
    this.refresh();
  }

  refuse() {
    this.refused = true;
    this.apply({ type: 'role', readOnly: true });
    this.dispatchEvent(new Event('details'));
  }

  closed(code, reason) {
    this.apply({ type: 'closed', code, reason, at: this.now() });
    if (this.status.link !== 'ended') return;
    this.dispatchEvent(new Event('details'));
    const { dirty, confirmed } = this.status;
    if (code !== UNAUTHENTICATED && confirmed && !dirty) this.discardCopy();
  }

  async discardCopy() {
    memory.set(idKey(this.address), null);
    await this.copy?.discard();
    this.copy = null;
  }
}
