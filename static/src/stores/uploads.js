/** The files that this page sends to the server. */
import { computed, signal } from '@preact/signals';
import * as api from '../lib/attachments-api.js';
import { SLICE, nextSlice } from '../lib/file-words.js';
import { RequestError, statusOf } from '../lib/request.js';

/** @import { Attachment } from '../lib/attachment-types.js' */

/** Uploads at a time. The others wait. */
const AT_ONCE = 2;
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;

/**
 * `lost`: the connection is lost, and the upload goes on by itself. `refused`: it goes on where the person wants it to.
 * @typedef {'waiting' | 'sending' | 'lost' | 'refused'} State
 */

/** A key that no other upload has. `crypto.randomUUID` is missing on pages without TLS. */
const newKey = () =>
  [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');

/** Waits for a time, or until the browser says that it is online. @param {number} milliseconds @param {AbortSignal} ended */
const pause = (milliseconds, ended) =>
  new Promise((/** @type {(_: void) => void} */ go) => {
    const stop = () => {
      clearTimeout(timer);
      globalThis.removeEventListener?.('online', stop);
      ended.removeEventListener('abort', stop);
      go();
    };
    const timer = setTimeout(stop, milliseconds);
    globalThis.addEventListener?.('online', stop);
    ended.addEventListener('abort', stop);
  });

/** One file on its way. */
export class Upload {
  /**
   * @param {string} document
   * @param {File} file
   * @param {{ name: string, clean: boolean, requests: typeof api }} options clean: whether pictures lose what they say
   *   about place and camera
   */
  constructor(document, file, { name, clean, requests }) {
    this.document = document;
    this.file = file;
    this.name = name;
    this.clean = clean;
    this.api = requests;
    this.key = newKey();
    this.state = signal(/** @type {State} */ ('waiting'));
    /** Bytes that have left. */
    this.sent = signal(0);
    this.problem = signal('');
    /** The id of an upload in slices. */
    this.partial = '';
    this.ending = new AbortController();
  }

  /** Whether it is sent in slices. */
  get isSliced() {
    return this.file.size > SLICE;
  }

  /**
   * Sends the file, and goes on after lost connections.
   * @returns {Promise<Attachment | null>} null where the server has refused it, or where it was cancelled
   */
  async send() {
    this.problem.value = '';
    for (let wait = FIRST_WAIT; !this.ending.signal.aborted; wait = Math.min(LONGEST_WAIT, wait * 2)) {
      const before = this.sent.value;
      this.state.value = 'sending';
      try {
        return await (this.isSliced ? this.sendSlices() : this.sendWhole());
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        if (this.ending.signal.aborted) break;
        if (error.status !== 0) {
          this.state.value = 'refused';
          this.problem.value = error.message;
          return null;
        }
        this.state.value = 'lost';
        if (this.sent.value > before) wait = FIRST_WAIT;
        await pause(wait, this.ending.signal);
      }
    }
    return null;
  }

  sendWhole() {
    return this.api.attach(this.document, this.file, this.name, {
      key: this.key,
      clean: this.clean,
      signal: this.ending.signal,
      progress: (sent) => {
        this.sent.value = Math.min(sent, this.file.size);
      },
    });
  }

  async sendSlices() {
    const { file } = this;
    const { signal: ended } = this.ending;
    let known = await this.begun();
    while (!known.attachment && !ended.aborted) {
      const [from, to] = nextSlice(known.offset, file.size);
      this.sent.value = from;
      try {
        known = await this.api.continueUpload(this.partial, from, file.slice(from, to), {
          signal: ended,
          progress: (sent) => {
            this.sent.value = Math.min(from + sent, to);
          },
        });
      } catch (error) {
        // Bytes of a request that was lost have arrived meanwhile.
        if (statusOf(error) !== 409) throw error;
        const now = await this.api.upload(this.partial);
        if (now.offset === from && !now.attachment) throw error;
        known = now;
      }
    }
    return known.attachment;
  }

  /** What the server has of it. Begins it where the server has nothing, or has forgotten it. */
  async begun() {
    if (this.partial) {
      try {
        return await this.api.upload(this.partial);
      } catch (error) {
        if (statusOf(error) !== 404) throw error;
      }
    }
    const made = await this.api.beginUpload(this.document, this.file, this.name, this.clean);
    this.partial = made.id;
    if (this.ending.signal.aborted) this.giveUp();
    return made;
  }

  cancel() {
    this.ending.abort();
    this.giveUp();
  }

  giveUp() {
    // The server forgets it after a while where this request is lost.
    if (this.partial) this.api.giveUpUpload(this.partial).catch(() => {});
  }
}

export class Uploads {
  /**
   * @param {object} options
   * @param {string} options.document
   * @param {() => boolean} options.clean
   * @param {(upload: Upload, attachment: Attachment) => void} options.done
   * @param {(upload: Upload) => void} options.refused
   * @param {typeof api} [options.requests]
   */
  constructor({ document, clean, done, refused, requests = api }) {
    this.document = document;
    this.clean = clean;
    this.done = done;
    this.refused = refused;
    this.api = requests;
    /** Those that have neither ended nor been cancelled. */
    this.items = signal(/** @type {Upload[]} */ ([]));
    /** Whether leaving the page would lose something. */
    this.isBusy = computed(() => this.items.value.some(({ state }) => state.value !== 'refused'));
    this.running = 0;
  }

  /**
   * @param {{ file: File, name: string }[]} files
   * @returns {Upload[]}
   */
  add(files) {
    const options = { clean: this.clean(), requests: this.api };
    const made = files.map(({ file, name }) => new Upload(this.document, file, { name, ...options }));
    this.items.value = [...this.items.value, ...made];
    this.sendNext();
    return made;
  }

  sendNext() {
    for (const upload of this.items.value) {
      if (this.running >= AT_ONCE) return;
      if (upload.state.value === 'waiting') this.send(upload);
    }
  }

  /** @param {Upload} upload */
  async send(upload) {
    this.running += 1;
    try {
      const made = await upload.send();
      if (made && upload.ending.signal.aborted) {
        // The answer was on its way as the person cancelled.
        await this.api.deleteAttachment(made.id).catch(() => {});
      } else if (made) {
        this.drop(upload);
        this.done(upload, made);
      } else if (upload.state.value === 'refused') this.refused(upload);
    } finally {
      this.running -= 1;
      this.sendNext();
    }
  }

  /** @param {Upload} upload that was refused */
  retry(upload) {
    if (upload.state.value !== 'refused') return;
    upload.clean = this.clean();
    upload.state.value = 'waiting';
    this.sendNext();
  }

  /** @param {Upload} upload */
  cancel(upload) {
    upload.cancel();
    this.drop(upload);
  }

  /** @param {Upload} upload */
  drop(upload) {
    this.items.value = this.items.value.filter((each) => each !== upload);
  }
}
