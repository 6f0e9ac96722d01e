/** Finds a place of a text in the same text as rich text or as Markdown: their letters are mostly the same. */

/** Letters on each side of a place by which it is known again. */
const CONTEXT = 32;
const LETTER = /[\p{L}\p{N}]/u;

/**
 * The letters of a text, and where each of them is.
 * @param {string} text
 */
function lettersOf(text) {
  let letters = '';
  /** @type {number[]} */
  const places = [];
  let at = 0;
  for (const sign of text) {
    if (LETTER.test(sign)) {
      letters += sign;
      for (let unit = 0; unit < sign.length; unit += 1) places.push(at);
    }
    at += sign.length;
  }
  return { letters, places };
}

/**
 * @param {number[]} places
 * @param {number} offset
 */
function countBefore(places, offset) {
  let [low, high] = [0, places.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (places[middle] < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * The occurrence of some letters that is nearest to a place. -1: there is none.
 * @param {string} letters
 * @param {string} wanted
 * @param {number} near
 */
function nearest(letters, wanted, near) {
  const before = letters.lastIndexOf(wanted, near);
  const behind = letters.indexOf(wanted, near);
  if (before < 0 || behind < 0) return Math.max(before, behind);
  return near - before <= behind - near ? before : behind;
}

/**
 * The offset in `text` that is the same place as `offset` in `former`.
 * @param {string} former
 * @param {number} offset
 * @param {string} text
 */
export function samePlace(former, offset, text) {
  const was = lettersOf(former);
  const now = lettersOf(text);
  const count = countBefore(was.places, offset);
  // Addresses of links are in one of the two only: places move by these, in proportion.
  const near = Math.round((count * now.letters.length) / Math.max(1, was.letters.length));
  for (let size = CONTEXT; size >= 4; size /= 2) {
    const before = was.letters.slice(Math.max(0, count - size), count);
    const at = before ? nearest(now.letters, before, Math.max(0, near - before.length)) : -1;
    if (at >= 0) return now.places[at + before.length - 1] + 1;
    const behind = was.letters.slice(count, count + size);
    const start = behind ? nearest(now.letters, behind, near) : -1;
    if (start >= 0) return now.places[start];
  }
  return now.places[near] ?? text.length;
}
