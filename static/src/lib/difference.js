/** Differences of texts as people read them. */

/** @import { DifferencePiece, HistoryAuthor } from './types.js' */

const WORD_AT_START = /^[\p{L}\p{N}\p{M}]+/u;
const WORD_AT_END = /[\p{L}\p{N}\p{M}]+$/u;

/**
 * Replaces whole words where the server has found that only their middle differs: "apples", "cherries" instead of
 * "appl", "cherri" before "es". The pieces without the inserted ones are still the old text, without the deleted ones the new.
 * @param {DifferencePiece[]} given
 * @returns {DifferencePiece[]}
 */
export function byWords(given) {
  const pieces = given.map((piece) => ({ ...piece }));
  for (let at = 0; at + 1 < pieces.length; at += 1) {
    const pair = pieces.slice(at, at + 2);
    if (pair[0].operation === 'equal' || pair[1].operation === 'equal' || pair[0].operation === pair[1].operation)
      continue;
    // More than one piece inserted: by several authors. Such a place stays as it is.
    const [before, after] = [pieces[at - 1], pieces[at + 2]];
    if (before?.operation === 'equal' && pair.some(({ text }) => WORD_AT_START.test(text))) {
      const shared = before.text.match(WORD_AT_END)?.[0] ?? '';
      before.text = before.text.slice(0, before.text.length - shared.length);
      for (const piece of pair) piece.text = shared + piece.text;
    }
    if (after?.operation === 'equal' && pair.some(({ text }) => WORD_AT_END.test(text))) {
      const shared = after.text.match(WORD_AT_START)?.[0] ?? '';
      after.text = after.text.slice(shared.length);
      for (const piece of pair) piece.text += shared;
    }
  }
  return pieces.filter(({ text }) => text !== '');
}

/**
 * Counts the places that others have changed. Whose a deletion is, nobody knows.
 * @param {DifferencePiece[]} pieces
 * @param {object} by
 * @param {(author: HistoryAuthor) => boolean} by.isOwn
 * @param {boolean} by.deletes whether others have deleted anything
 */
export function countOthers(pieces, { isOwn, deletes }) {
  let count = 0;
  /** @type {DifferencePiece[]} */
  let place = [];
  const close = () => {
    const inserted = place.filter(({ operation }) => operation === 'insert');
    const isTheirs = inserted.some(({ author }) => author === null || !isOwn(author));
    if (isTheirs || (deletes && place.length > 0 && inserted.length === 0)) count += 1;
    place = [];
  };
  for (const piece of pieces) {
    if (piece.operation === 'equal') close();
    else place.push(piece);
  }
  close();
  return count;
}
