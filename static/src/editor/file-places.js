/** Where uploaded files will be in the text. The places follow what others write meanwhile. */
import { edited } from './session-state.js';

/** @import { Attachment } from '../lib/attachment-types.js' */
/** @import { EditorFiles, FileOptions } from './editor-types.js' */
/** @import { Session } from './session.js' */

/**
 * `position`: behind the character that was before the place. `among`: the files that came together with this one; their
 * order stays.
 * @typedef {{ position: string, among: object[] }} Place
 */

export class FilePlaces {
  /**
   * @param {Session} session
   * @param {FileOptions} options
   */
  constructor(session, options) {
    this.session = session;
    this.options = options;
    /** @type {Map<object, Place>} */
    this.places = new Map();
    /** @type {EditorFiles | null} */
    this.marks = null;
    session.addEventListener('renewing', () => {
      this.marks = null;
    });
    session.addEventListener('renewed', () => this.attach());
    this.attach();
  }

  /** Shows places in the editor of the session, which may be a new one. */
  attach() {
    this.marks = this.session.editor?.takeFiles?.(this.options) ?? null;
    this.show();
  }

  /** @param {object} key */
  offsetOf(key) {
    const place = this.places.get(key);
    return place ? (this.marks?.offsetOf(place.position) ?? null) : null;
  }

  /**
   * @param {object[]} keys of files, in their order
   * @param {number} at
   */
  add(keys, at) {
    const position = this.marks?.positionAt(at);
    if (!position) return;
    for (const key of keys) this.places.set(key, { position, among: keys });
    this.show();
  }

  /** @param {object} key */
  forget(key) {
    if (this.places.delete(key)) this.show();
  }

  show() {
    const files = [...this.places.keys()].flatMap((key) => {
      const at = this.offsetOf(key);
      return at === null ? [] : [{ key, at }];
    });
    this.marks?.show(files);
  }

  /**
   * Writes a file at its place, which it gives up.
   * @param {object} key
   * @param {Attachment} attachment
   * @returns {boolean} false: its place is gone, or the text cannot be edited any more
   */
  fill(key, attachment) {
    const place = this.places.get(key);
    const at = this.offsetOf(key);
    this.places.delete(key);
    const end = place && at !== null ? this.insert(attachment, at, { ownLine: place.among.length > 1 }) : null;
    if (place && end !== null) {
      const later = place.among.slice(place.among.indexOf(key) + 1);
      const position = this.marks?.positionAt(end) ?? place.position;
      for (const each of later) {
        const other = this.places.get(each);
        if (other && this.offsetOf(each) === at) other.position = position;
      }
    }
    this.show();
    return end !== null;
  }

  /**
   * @param {Attachment} attachment
   * @param {number} [at] by default where the caret is
   * @param {{ ownLine?: boolean, select?: boolean }} [how] select: puts the caret behind it
   * @returns {number | null} where it ends; null: the text cannot be edited
   */
  insert(attachment, at, { ownLine = false, select = false } = {}) {
    const { marks } = this;
    if (!marks || edited(this.session).readOnly) return null;
    return marks.insert(attachment, at ?? marks.caret, { ownLine, select });
  }
}
