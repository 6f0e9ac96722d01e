/** What differs in a copy of a document that somebody types a suggestion into. */
import * as Y from 'yjs';

/** @import { Place } from './editor-types.js' */

/**
 * A part of the copy. `text`: what is inserted there, or what is deleted.
 * @typedef {{ kind: 'kept' | 'inserted' | 'deleted', text: string }} Part
 */
/**
 * A change of a text: what is between two offsets becomes `text`.
 * @typedef {{ start: number, end: number, text: string }} Change
 */
/** @typedef {{ find: string, replace: string }} Edit */

const KEY = 'typed';
/** Characters around a change by which its place is known. */
const CONTEXT = 32;

/** @param {Y.Text} text */
const firstItem = (text) => text._start;

/**
 * @param {Y.Text} text
 * @param {(item: Y.Item, offset: number) => Part['kind'] | null} kindOf of a character of an item; null: it is no part.
 * @param {number} [mixed] a client whose items may have characters of several kinds. So may those that are deleted,
 *   because several people may have deleted one item.
 * @returns {Part[]}
 */
function collect(text, kindOf, mixed) {
  /** @type {Part[]} */
  const parts = [];
  const add = (/** @type {Part['kind'] | null} */ kind, /** @type {string} */ added) => {
    const last = parts.at(-1);
    if (!kind) return;
    if (last?.kind === kind) last.text += added;
    else parts.push({ kind, text: added });
  };
  for (let item = firstItem(text); item; item = item.right) {
    const { content, deleted, id } = item;
    if (!(content instanceof Y.ContentString)) continue;
    if (!deleted && id.client !== mixed) add(kindOf(item, 0), content.str);
    else for (let offset = 0; offset < content.str.length; offset += 1) add(kindOf(item, offset), content.str[offset]);
  }
  return parts;
}

/**
 * Whether a character is in a set of deleted ones.
 * @param {ReturnType<typeof Y.createDeleteSet>} gone
 * @param {Y.Item} item
 * @param {number} offset
 */
const isIn = (gone, { id: { client, clock } }, offset) => Y.isDeleted(gone, Y.createID(client, clock + offset));

/**
 * What differs in a copy that was made of a document, in its order.
 * @param {Y.Doc} original
 * @param {Y.Text} copied a text of a copy that keeps what was deleted
 * @returns {Part[]}
 */
export function partsOf(original, copied) {
  const known = Y.decodeStateVector(Y.encodeStateVector(original));
  const gone = Y.createDeleteSetFromStructStore(original.store);
  return collect(copied, (item, offset) => {
    const isOld = item.id.clock < (known.get(item.id.client) ?? 0);
    if (!item.deleted) return isOld ? 'kept' : 'inserted';
    return isOld && !isIn(gone, item, offset) ? 'deleted' : null;
  });
}

/**
 * Where the parts that differ are in the text of the copy.
 * @param {Part[]} parts
 * @returns {Place[]}
 */
export function placesOf(parts) {
  /** @type {Place[]} */
  const places = [];
  let at = 0;
  for (const { kind, text } of parts) {
    if (kind === 'deleted') places.push({ key: KEY, kind: 'typed', from: at, to: at, deleted: text });
    else {
      if (kind === 'inserted') places.push({ key: KEY, kind: 'typed', from: at, to: at + text.length });
      at += text.length;
    }
  }
  return places;
}

/**
 * The changes that make the text of the copy of that of the original.
 * @param {Part[]} parts
 * @returns {Change[]}
 */
export function changesOf(parts) {
  /** @type {Change[]} */
  const changes = [];
  let at = 0;
  let isOpen = false;
  for (const { kind, text } of parts) {
    const last = changes.at(-1);
    if (kind === 'kept') isOpen = false;
    else if (isOpen && last) {
      if (kind === 'deleted') last.end += text.length;
      else last.text += text;
    } else {
      changes.push({
        start: at,
        end: at + (kind === 'deleted' ? text.length : 0),
        text: kind === 'inserted' ? text : '',
      });
      isOpen = true;
    }
    if (kind !== 'inserted') at += text.length;
  }
  return changes;
}

/**
 * Replacements of passages that are in a text once each, which make these changes of it. Others may edit the rest of the
 * text meanwhile.
 * @param {string} text not empty
 * @param {Change[]} changes ascending and disjoint
 * @returns {Edit[]}
 */
export function editsOf(text, changes) {
  /** @type {{ from: number, to: number, changes: Change[] }[]} */
  const passages = [];
  for (const change of changes) {
    const { from, to } = passageAround(text, change);
    const last = passages.at(-1);
    if (last && from <= last.to) {
      last.to = Math.max(last.to, to);
      last.changes.push(change);
    } else passages.push({ from, to, changes: [change] });
  }
  return passages.map(({ from, to, changes: within }) => {
    let replace = '';
    let at = from;
    for (const { start, end, text: inserted } of within) {
      replace += text.slice(at, start) + inserted;
      at = end;
    }
    return { find: text.slice(from, to), replace: replace + text.slice(at, to) };
  });
}

/**
 * The shortest passage around a change that is in the text once, in steps.
 * @param {string} text
 * @param {Change} change
 */
function passageAround(text, { start, end }) {
  for (let size = CONTEXT; ; size *= 2) {
    const from = atBorder(text, Math.max(0, start - size));
    const to = atBorder(text, Math.min(text.length, end + size));
    const passage = text.slice(from, to);
    const isWhole = from === 0 && to === text.length;
    // An occurrence that overlaps this one counts, too.
    if (isWhole || (passage && text.indexOf(passage) === from && text.indexOf(passage, from + 1) < 0))
      return { from, to };
  }
}

/**
 * An offset that does not cut a character of two units.
 * @param {string} text
 * @param {number} offset
 */
const atBorder = (text, offset) => (/[\udc00-\udfff]/.test(text[offset] ?? '') ? offset - 1 : offset);

/**
 * What a copy was at a moment. `known`: its state vector, `gone`: what was deleted.
 * @typedef {{ text: string, known: Map<number, number>, gone: ReturnType<typeof Y.createDeleteSet> }} Moment
 */

/**
 * @param {Y.Text} copied
 * @returns {Moment}
 */
export function momentOf(copied) {
  const { doc } = copied;
  if (!doc) throw new Error('the text is in no document');
  return {
    text: copied.toString(),
    known: Y.decodeStateVector(Y.encodeStateVector(doc)),
    gone: Y.createDeleteSetFromStructStore(doc.store),
  };
}

/**
 * What was typed into a copy since a moment, without what others have done meanwhile.
 * @param {Y.Doc} original
 * @param {Y.Text} copied
 * @param {Moment} moment
 * @returns {Change[]}
 */
export function typedSince(original, copied, { known, gone }) {
  const own = copied.doc?.clientID;
  const goneNow = Y.createDeleteSetFromStructStore(original.store);
  /** @type {Parameters<typeof collect>[1]} */
  const kindOf = (item, offset) => {
    const { client, clock } = item.id;
    if (clock + offset >= (known.get(client) ?? 0)) return client === own && !item.deleted ? 'inserted' : null;
    if (!item.deleted) return 'kept';
    if (isIn(gone, item, offset)) return null;
    return isIn(goneNow, item, offset) ? 'kept' : 'deleted';
  };
  return changesOf(collect(copied, kindOf, own));
}

/**
 * Where a change of one text belongs in another one; null where that is not certain.
 * @param {string} text
 * @param {Change} change
 * @param {string} other
 * @returns {Change | null}
 */
export function movedTo(text, change, other) {
  if (text === other) return change;
  const before = text.slice(Math.max(0, change.start - CONTEXT), change.start);
  const passage = before + text.slice(change.start, change.end + CONTEXT);
  const found = other.indexOf(passage);
  if (!passage || found < 0 || other.indexOf(passage, found + 1) >= 0) return null;
  const start = found + before.length;
  return { start, end: start + change.end - change.start, text: change.text };
}
