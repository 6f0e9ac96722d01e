/** Tints the text of the editor by its authors, on demand, and keeps the tints right while people type. */
import { signal } from '@preact/signals';
import * as api from '../lib/api.js';
import { AuthorColours } from '../lib/author-colours.js';
import { debounced } from '../lib/dom.js';
import { authorKey, creditText } from '../lib/history-words.js';
import { messageOf } from '../lib/request.js';
import { BlameLegend } from './blame-legend.js';
import { peopleIn } from './presence-panel.js';

/** @import { Transaction } from 'yjs' */
/** @import { ChangeEvent, CurrentUser, HistoryAuthor } from '../lib/types.js' */
/** @import { Tints } from './blame-tints.js' */
/** @import { Session } from './session.js' */

/** Milliseconds. Edits that are announced together cause one request. */
const READ_AFTER = 700;

/** @type {Blame | null} */
let made = null;

/**
 * The one of this page.
 * @param {Session} session
 * @param {CurrentUser | null} who an account; null for everybody else
 */
export function blameOf(session, who) {
  made ??= new Blame(session, who);
  return made;
}

export class Blame {
  /**
   * @param {Session} session
   * @param {CurrentUser | null} who
   */
  constructor(session, who) {
    this.session = session;
    this.who = who;
    this.isOn = signal(false);
    /** @type {Map<string, HistoryAuthor>} */
    this.authors = new Map();
    this.colours = new AuthorColours(() => peopleIn(session.awareness).filter(({ program }) => !program));
    this.colourOf = (/** @type {HistoryAuthor} */ author) => this.colours.of(author);
    /** The number of the newest request. Answers to older ones are ignored. */
    this.requests = 0;
    /** Whose edit is coming into the editor. */
    this.writer = '';
    /** @type {Tints | null} */
    this.tints = null;
    this.legend = new BlameLegend({ close: () => this.show(false), again: () => this.read() });
    this.noteWriter = this.noteWriter.bind(this);
    this.follow = this.follow.bind(this);
    this.recolour = this.recolour.bind(this);
    this.readSoon = debounced(READ_AFTER, () => this.isOn.value && this.read());
    session.addEventListener('renewing', () => this.renew());
  }

  /** Leaves the editor that is about to be replaced. The tints come back in the next one. */
  renew() {
    const wasOn = this.isOn.value;
    this.show(false);
    this.tints = null;
    if (wasOn) this.session.addEventListener('renewed', () => this.show(true), { once: true });
  }

  /** @param {boolean} on */
  show(on) {
    const { editor, doc, awareness } = this.session;
    if (!editor?.tint || on === this.isOn.value) return;
    this.tints ??= editor.tint({
      look: (key) => this.look(key),
      writer: () => this.writer,
      own: () => this.own(),
      changed: () => this.showLegend(),
    });
    this.isOn.value = on;
    const act = on ? 'addEventListener' : 'removeEventListener';
    this.session[act]('live', this.follow);
    const listen = on ? 'on' : 'off';
    doc[listen]('beforeObserverCalls', this.noteWriter);
    awareness[listen]('change', this.recolour);
    this.requests += 1;
    if (on) {
      this.colours.refresh();
      this.tints.attach();
      this.legend.open();
      this.read();
    } else {
      this.tints.detach();
      this.legend.close();
      editor.focus();
    }
  }

  /** Reads who wrote what. The tints of before stay until the answer is here. */
  async read() {
    const { details } = this.session;
    if (!details) return;
    this.requests += 1;
    const number = this.requests;
    this.legend.wait();
    try {
      const { runs } = await api.blame(details.id);
      if (number !== this.requests) return;
      this.take(runs);
      this.legend.clear();
    } catch (error) {
      if (number === this.requests) this.legend.fail(messageOf(error));
    }
  }

  /** @param {import('../lib/types.js').Blame['runs']} runs */
  take(runs) {
    const read = runs.map(({ text, author, time }) => ({
      length: text.length,
      author: this.know(author),
      at: time === null ? null : Date.parse(time),
    }));
    this.tints?.take(read, runs.map(({ text }) => text).join(''));
  }

  /** @param {HistoryAuthor} author */
  know(author) {
    const key = authorKey(author);
    this.authors.set(key, author);
    return key;
  }

  /** The key of the person of this page. */
  own() {
    const name = peopleIn(this.session.awareness).find(({ own }) => own)?.name ?? null;
    const id = this.who?.id ?? null;
    return this.know({ id, kind: this.who ? 'user' : 'guest', name, relayed: false });
  }

  /**
   * Notes who has made the edit that the editor is about to take: the person whose client it came from. Where several
   * people's edits come at once, nobody is known until they are read again.
   * @param {Transaction} transaction
   */
  noteWriter({ local, beforeState, afterState }) {
    if (local) {
      this.writer = this.own();
      return;
    }
    const clients = [...afterState].filter(([client, clock]) => (beforeState.get(client) ?? 0) < clock);
    const people = peopleIn(this.session.awareness);
    const names = new Set(clients.map(([client]) => people.find((person) => person.client === client)?.name));
    const [name] = names;
    this.writer = names.size === 1 && name ? this.keyOfName(name) : '';
  }

  /** @param {string} name */
  keyOfName(name) {
    const known = [...this.authors].find(([, author]) => author.name === name && !author.relayed);
    return known ? known[0] : this.know({ id: null, kind: 'user', name, relayed: false });
  }

  /**
   * Reads again what people have written, once it is stored.
   * @param {Event} event
   */
  follow(event) {
    const change = /** @type {CustomEvent<ChangeEvent | null>} */ (event).detail;
    if (!change || (change.entity_type === 'document' && change.document_id === this.session.details?.id))
      this.readSoon();
  }

  /** Tints anew when somebody has come, or has another name or colour. */
  recolour() {
    if (!this.colours.refresh()) return;
    // The editor may be in an update: it announces the cursor then.
    queueMicrotask(() => this.isOn.value && this.tints?.repaint());
  }

  /**
   * The author with a key, the colour, and the words for what the author wrote. null: nobody is known.
   * @param {string} key
   */
  look(key) {
    const author = this.authors.get(key);
    if (!author) return null;
    return {
      author,
      colour: this.colours.of(author),
      words: (/** @type {number | null} */ at) => creditText(author, at),
    };
  }

  /** Called when the text, the tints or the place of the cursor have changed. Names first who wrote most. */
  showLegend() {
    if (!this.tints || !this.isOn.value) return;
    /** @type {Map<string, number>} */
    const lengths = new Map();
    for (const { author, length } of this.tints.runs) lengths.set(author, (lengths.get(author) ?? 0) + length);
    const keys = [...lengths].sort(([, a], [, b]) => b - a).map(([key]) => key);
    const people = keys.flatMap((key) => this.look(key) ?? []);
    this.legend.show(people, this.tints.here);
  }
}
