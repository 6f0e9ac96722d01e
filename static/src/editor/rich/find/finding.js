/** Finds words in a line of text. */

/**
 * The places of `wanted` in a text, from left to right, none over another.
 * @param {string} text
 * @param {string} wanted
 * @param {boolean} [isCased] whether capitals count
 * @returns {[number, number][]}
 */
export function findIn(text, wanted, isCased = false) {
  if (!wanted) return [];
  const escaped = wanted.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
  return [...text.matchAll(new RegExp(escaped, isCased ? 'gu' : 'giu'))].map(({ index, 0: { length } }) => [
    index,
    index + length,
  ]);
}
