/** Typed suggestions: the editor shows a copy of the document, and what differs in it is sent as one suggestion. */
import { uuidv4 } from 'lib0/random';
import { signal } from '@preact/signals';
import * as Y from 'yjs';
import * as api from '../lib/comments-api.js';
import { debounced } from '../lib/dom.js';
import { RequestError, statusOf } from '../lib/request.js';
import { saved } from './session-state.js';
import { changesOf, editsOf, momentOf, movedTo, partsOf, typedSince } from './suggested-parts.js';

/** @import { Suggestion } from '../lib/discussion-types.js' */
/** @import { ChangeEvent } from '../lib/types.js' */
/** @import { Session } from './session.js' */
/** @import { Change, Moment } from './suggested-parts.js' */

/** Milliseconds after the last change until it is sent. */
const SEND_AFTER = 800;
const FROM_DOCUMENT = 'document';
const DECIDED = new Set([404, 409]);
const NO_CONNECTION = 'There is no connection. Your suggestion is sent when it is back.';

export class Suggesting extends EventTarget {
  /**
   * Event: `changed` (the copy differs in another way).
   * @param {Session} session
   * @param {object} options
   * @param {boolean} options.isGuest a guest cannot change a suggestion afterwards, and sends it once
   * @param {(text: string) => void} options.giveBack is given typed text whose place is gone
   */
  constructor(session, { isGuest, giveBack }) {
    super();
    this.session = session;
    this.isGuest = isGuest;
    this.giveBack = giveBack;
    this.isOn = signal(false);
    this.problem = signal('');
    this.isSending = signal(false);
    /** Whether something was typed that has not been sent. */
    this.isDirty = signal(false);
    /** The suggestion that was sent last. */
    this.sent = signal(/** @type {Suggestion | null} */ (null));
    /** A suggestion whose request had no answer: its id, and what it said. */
    this.pending = /** @type {{ id: string, said: string } | null} */ (null);
    /** The copy when it was sent last. */
    this.moment = /** @type {Moment | null} */ (null);
    /** The document that the copy was made of. */
    this.original = /** @type {Y.Doc | null} */ (null);
    this.isWaiting = false;
    this.queue = Promise.resolve();
    this.follow = this.follow.bind(this);
    this.typed = this.typed.bind(this);
    this.sendSoon = debounced(SEND_AFTER, () => this.send());
    session.addEventListener('renewed', () => this.renew());
    session.addEventListener('status', () => {
      if (!this.isWaiting || session.status.link !== 'up') return;
      this.isWaiting = false;
      this.sendSoon();
    });
    session.addEventListener('live', (event) => {
      const change = /** @type {CustomEvent<ChangeEvent | null>} */ (event).detail;
      const sent = this.sent.value;
      if (this.isOn.value && sent && (!change || change.entity_id === sent.id)) this.look();
    });
  }

  begin() {
    this.sent.value = null;
    this.pending = null;
    this.problem.value = '';
    this.isOn.value = true;
    this.copy('', []);
  }

  /**
   * Sends what is left, and shows the document again.
   * @returns {Promise<boolean>} false: something could not be sent, and suggesting goes on
   */
  async stop() {
    do await this.send();
    while (this.isDirty.value && !this.problem.value);
    if (this.isDirty.value) return false;
    this.end();
    return true;
  }

  end() {
    this.original?.off('update', this.follow);
    this.original = null;
    this.isOn.value = false;
    this.isDirty.value = false;
    this.isWaiting = false;
    this.moment = null;
    this.show(null);
  }

  /**
   * Shows a new copy of the document, with changes that were made in another text.
   * @param {string} text
   * @param {Change[]} changes ascending and disjoint
   */
  copy(text, changes) {
    const { session } = this;
    this.original?.off('update', this.follow);
    this.original = session.doc;
    const doc = new Y.Doc({ gc: false });
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(session.doc), FROM_DOCUMENT);
    const copied = doc.getText('content');
    const present = copied.toString();
    /** @type {Change[]} */
    const placed = [];
    /** @type {string[]} */
    const homeless = [];
    for (const change of changes) {
      const moved = movedTo(text, change, present);
      if (moved && moved.start >= (placed.at(-1)?.end ?? 0)) placed.push(moved);
      else if (change.text) homeless.push(change.text);
    }
    for (const { start, end, text: inserted } of placed.toReversed()) {
      copied.delete(start, end - start);
      copied.insert(start, inserted);
    }
    session.doc.on('update', this.follow);
    doc.on('update', this.typed);
    this.isDirty.value = placed.length > 0;
    this.show({ doc, text: copied });
    if (placed.length > 0 && !this.isGuest) this.sendSoon();
    if (homeless.length > 0) this.giveBack(homeless.join('\n\n'));
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
    this.dispatchEvent(new Event('changed'));
  }

  /** A replaced document has other characters. The suggestion that was sent refers to them already. */
  renew() {
    const { original, session } = this;
    if (!original || !session.proposal || session.doc === original) return;
    const wasDirty = this.isDirty.value;
    const typed = changesOf(partsOf(original, session.proposal.text));
    // What has become rich text has no Markdown, and what was sent is carried over.
    const isThere = wasDirty || session.doc.getText('content').length > 0;
    this.copy(original.getText('content').toString(), isThere ? typed : []);
    if (wasDirty || !this.sent.value) return;
    this.isDirty.value = false;
    this.moment = session.proposal && momentOf(session.proposal.text);
  }

  /** Goes on after a decision on what was sent, with what was typed since. */
  restart() {
    const { moment, session } = this;
    if (!session.proposal) return;
    const typed = moment ? typedSince(session.doc, session.proposal.text, moment) : [];
    this.sent.value = null;
    this.moment = null;
    this.problem.value = '';
    this.copy(moment?.text ?? '', typed);
  }

  /** @param {Uint8Array} update */
  follow(update) {
    const { proposal } = this.session;
    if (proposal) Y.applyUpdate(proposal.doc, update, FROM_DOCUMENT);
    // Others may have typed what did not fit.
    if (this.problem.value && this.isDirty.value && !this.isGuest) this.sendSoon();
  }

  /**
   * @param {Uint8Array} _update
   * @param {unknown} origin
   */
  typed(_update, origin) {
    if (origin !== FROM_DOCUMENT) {
      this.isDirty.value = true;
      if (!this.isGuest) this.sendSoon();
    }
    this.dispatchEvent(new Event('changed'));
  }

  // ---- requests, one after the other

  send() {
    return this.inTurn(() => this.sendOnce());
  }

  /** Looks whether somebody has decided on what was sent. */
  look() {
    return this.inTurn(async () => {
      if (this.isOn.value && (await this.isDecided())) this.restart();
    });
  }

  /** @param {() => Promise<void>} act */
  inTurn(act) {
    this.queue = this.queue.then(act).catch((error) => {
      this.isWaiting = !statusOf(error) || Number(statusOf(error)) >= 500;
      // An error of the page itself must not end the queue either: what is typed is sent with the next change.
      this.problem.value = error instanceof RequestError ? error.message : 'Something went wrong in this page.';
      if (!(error instanceof RequestError)) reportError(error);
    });
    return this.queue;
  }

  async sendOnce() {
    const { session, isDirty } = this;
    if (!this.isOn.value || !isDirty.value) return;
    this.isSending.value = true;
    try {
      await saved(session);
      const { proposal, details } = session;
      if (!proposal || !details) return;
      if (session.isRenewing || session.status.link !== 'up') {
        this.isWaiting = true;
        this.problem.value = NO_CONNECTION;
        return;
      }
      const moment = momentOf(proposal.text);
      const text = session.doc.getText('content').toString();
      const changes = changesOf(partsOf(session.doc, proposal.text));
      isDirty.value = false;
      if (changes.length === 0) await this.withdraw();
      else if (!(await this.propose(details.id, text, changes))) return;
      this.moment = moment;
      this.problem.value = '';
    } catch (error) {
      isDirty.value = true;
      throw error;
    } finally {
      this.isSending.value = false;
    }
  }

  async withdraw() {
    const sent = this.sent.value;
    this.sent.value = null;
    if (!sent || this.isGuest) return;
    try {
      await api.withdrawSuggestion(sent.id);
    } catch (error) {
      if (statusOf(error) !== 404) this.sent.value = sent;
      if (!DECIDED.has(statusOf(error) ?? 0)) throw error;
    }
  }

  /**
   * @param {string} id of the document
   * @param {string} text of the document
   * @param {Change[]} changes
   * @returns {Promise<boolean>} false: somebody had decided on it, and there is a new copy
   */
  async propose(id, text, changes) {
    // An empty text has no passages. Whoever has typed into it meanwhile would be overwritten.
    const isEmpty = text === '';
    const body = isEmpty
      ? { content: changes.map((change) => change.text).join('') }
      : { edits: editsOf(text, changes) };
    if (this.sent.value) {
      try {
        this.sent.value = await api.changeSuggestion(this.sent.value.id, body, { isEmpty });
        return true;
      } catch (error) {
        if (!DECIDED.has(statusOf(error) ?? 0) || !(await this.isDecided())) throw error;
        this.restart();
        return false;
      }
    }
    const said = JSON.stringify(body);
    const { pending } = this;
    // An account changes what an earlier request may have made. A guest cannot.
    const isRepeated = pending !== null && (!this.isGuest || pending.said === said);
    this.pending = isRepeated ? pending : { id: uuidv4(), said };
    const wanted = { id: this.pending.id, ...body };
    const made = await api.createSuggestion(id, wanted, { isEmpty });
    this.pending = null;
    this.sent.value = made;
    if (isRepeated && !this.isGuest && pending.said !== said)
      this.sent.value = await api.changeSuggestion(made.id, body, { isEmpty });
    return true;
  }

  async isDecided() {
    const sent = this.sent.value;
    if (!sent) return false;
    try {
      const { hunks } = await api.suggestion(sent.id);
      return hunks.some(({ status }) => status === 'accepted' || status === 'rejected');
    } catch (error) {
      if (statusOf(error) !== 404) throw error;
      return true;
    }
  }
}
