/** What differs in a copy of a document that somebody types a suggestion into. */
import * as Y from 'yjs';

/** @import { Place } from './comment-marks.js' */

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
  for (let item = firstItem(copied); item; item = item.right) {
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
 * What was typed into a copy since a moment, without what others have done meanwhile.
 * @param {Y.Text} copied
 * @param {{ text: string, known: Map<number, number> }} moment the text of the copy then, and its state vector
 * @returns {Change | null}
 */
export function typedSince(copied, { text, known }) {
  const own = copied.doc?.clientID;
  let now = '';
  for (let item = firstItem(copied); item; item = item.right) {
    const { content, deleted, id } = item;
    if (deleted || !(content instanceof Y.ContentString)) continue;
    if (id.client === own || id.clock < (known.get(id.client) ?? 0)) now += content.str;
  }
  if (now === text) return null;
  let start = 0;
  while (start < Math.min(now.length, text.length) && now[start] === text[start]) start += 1;
  let same = 0;
  const most = Math.min(now.length, text.length) - start;
  while (same < most && now[now.length - 1 - same] === text[text.length - 1 - same]) same += 1;
  return { start, end: text.length - same, text: now.slice(start, now.length - same) };
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
