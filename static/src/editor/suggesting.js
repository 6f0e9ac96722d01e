/** Typed suggestions: the editor shows a copy of the document, and what differs in it is sent as one suggestion. */
import * as sha256 from 'lib0/hash/sha256';
import { signal } from '@preact/signals';
import * as Y from 'yjs';
import * as api from '../lib/comments-api.js';
import { debounced } from '../lib/dom.js';
import { messageOf, statusOf } from '../lib/request.js';
import { saved } from './session-state.js';

/** @import { Suggestion } from '../lib/discussion-types.js' */
/** @import { Session } from './session.js' */

/** Milliseconds after the last change until it is sent. */
const SEND_AFTER = 800;
const FROM_DOCUMENT = 'document';

/**
 * A part of the copy. `text`: what is inserted there, or what is deleted.
 * @typedef {{ kind: 'kept' | 'inserted' | 'deleted', text: string }} Part
 */

/**
 * What differs in a copy that was made of a document, in its order.
 * @param {Y.Doc} original
 * @param {Y.Text} copied a text of a copy that keeps what was deleted
 * @returns {Part[]}
 */
export function partsOf(original, copied) {
  const known = Y.decodeStateVector(Y.encodeStateVector(original));
  const gone = Y.createDeleteSetFromStructStore(original.store);
  /** @type {Part[]} */
  const parts = [];
  const add = (/** @type {Part['kind']} */ kind, /** @type {string} */ text) => {
    const last = parts.at(-1);
    if (last?.kind === kind) last.text += text;
    else if (text) parts.push({ kind, text });
  };
  for (let item = copied._start; item; item = item.right) {
    const { content, deleted, id } = item;
    if (!(content instanceof Y.ContentString)) continue;
    const isOld = id.clock < (known.get(id.client) ?? 0);
    if (!deleted) add(isOld ? 'kept' : 'inserted', content.str);
    else if (isOld) add('deleted', withoutGone(content.str, id, gone));
  }
  return parts;
}

/**
 * The characters of a deleted text that the original still has. What both have deleted may be one item with it.
 * @param {string} text
 * @param {Y.ID} id of its first character
 * @param {ReturnType<typeof Y.createDeleteSet>} gone
 */
const withoutGone = (text, { client, clock }, gone) =>
  [...Array(text.length).keys()]
    .filter((offset) => !Y.isDeleted(gone, Y.createID(client, clock + offset)))
    .map((offset) => text[offset])
    .join('');

export class Suggesting extends EventTarget {
  /**
   * Event: `changed` (the copy differs in another way).
   * @param {Session} session
   * @param {{ isGuest: boolean }} options a guest cannot change a suggestion afterwards, and sends it once
   */
  constructor(session, { isGuest }) {
    super();
    this.session = session;
    this.isGuest = isGuest;
    this.isOn = signal(false);
    this.problem = signal('');
    this.isSending = signal(false);
    /** The suggestion that was sent last. */
    this.sent = signal(/** @type {Suggestion | null} */ (null));
    this.queue = Promise.resolve();
    this.follow = this.follow.bind(this);
    this.typed = this.typed.bind(this);
    this.sendSoon = debounced(SEND_AFTER, () => this.send());
    session.addEventListener('renewing', () => {
      // A replaced document has other characters: the copy of the former one says nothing of them.
      if (this.isOn.value && session.isRenewing) this.end();
    });
  }

  begin() {
    const { session } = this;
    const doc = new Y.Doc({ gc: false });
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(session.doc), FROM_DOCUMENT);
    this.sent.value = null;
    this.problem.value = '';
    session.doc.on('update', this.follow);
    doc.on('update', this.typed);
    this.show({ doc, text: doc.getText('content') });
    this.isOn.value = true;
  }

  /** Sends what is left, and shows the document again. */
  async stop() {
    await this.send();
    if (this.problem.value) return;
    this.end();
  }

  end() {
    const { session } = this;
    session.doc.off('update', this.follow);
    this.isOn.value = false;
    this.show(null);
    this.dispatchEvent(new Event('changed'));
  }

  /**
   * Has the editor show this in the document's place; null: the document again.
   * @param {Session['proposal']} proposal
   */
  show(proposal) {
    const { session } = this;
    session.dispatchEvent(new Event('renewing'));
    session.proposal = proposal;
    session.dispatchEvent(new Event('renewed'));
    session.dispatchEvent(new Event('status'));
  }

  /** @param {Uint8Array} update */
  follow(update) {
    const { proposal } = this.session;
    if (proposal) Y.applyUpdate(proposal.doc, update, FROM_DOCUMENT);
  }

  /**
   * @param {Uint8Array} _update
   * @param {unknown} origin
   */
  typed(_update, origin) {
    this.dispatchEvent(new Event('changed'));
    if (origin !== FROM_DOCUMENT && !this.isGuest) this.sendSoon();
  }

  /** Sends the differences, one request after the other. */
  send() {
    this.queue = this.queue.then(() => this.sendOnce());
    return this.queue;
  }

  async sendOnce() {
    const { session } = this;
    const { proposal, details } = session;
    if (!proposal || !details || !this.isOn.value) return;
    this.isSending.value = true;
    try {
      await saved(session);
      const before = session.text.toString();
      const wanted = proposal.text.toString();
      if (before === wanted) await this.withdraw();
      else await this.propose(details.id, { before, wanted });
      this.problem.value = '';
    } catch (error) {
      this.problem.value = messageOf(error);
    } finally {
      this.isSending.value = false;
    }
  }

  async withdraw() {
    const sent = this.sent.value;
    this.sent.value = null;
    if (sent) await api.withdrawSuggestion(sent.id);
  }

  /**
   * @param {string} id of the document
   * @param {{ before: string, wanted: string }} texts
   */
  async propose(id, { before, wanted }) {
    const hash = hex(sha256.digest(new TextEncoder().encode(before)));
    if (this.sent.value) {
      try {
        this.sent.value = await api.changeSuggestion(this.sent.value.id, { content: wanted }, hash);
        return;
      } catch (error) {
        // It was decided meanwhile: what differs still is another suggestion.
        if (statusOf(error) !== 409 && statusOf(error) !== 404) throw error;
        this.sent.value = null;
      }
    }
    this.sent.value = await api.createSuggestion(id, { content: wanted }, hash);
  }
}

/** @param {Uint8Array} bytes */
const hex = (bytes) => [...bytes].map((one) => one.toString(16).padStart(2, '0')).join('');
