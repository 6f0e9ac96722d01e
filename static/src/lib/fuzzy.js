/** Finding names by some of their letters, in their order. */

/** Points of a letter: next to the one before it, at the beginning of a word, anywhere else. */
const NEXT = 8;
const BEGINNING = 6;
const ANYWHERE = 1;
/** A name loses a point for so many letters: among names that fit alike, the order in which they were given counts. */
const LETTERS = 16;

/** @param {string} text */
const folded = (text) => text.normalize('NFD').replace(/\p{M}/gu, '').toLocaleLowerCase('en');

/** @param {string} name @param {number} at */
const isBeginning = (name, at) => at === 0 || /[\s\-_/:(“"]/.test(name[at - 1]);

/**
 * How well the letters of `query` fit `name`; null where they are not all there. A name that has the whole query in one
 * piece fits best, at the beginning of a word above all.
 * @param {string} query
 * @param {string} name
 * @returns {{ score: number, at: number[] } | null} `at`: the indexes of the letters
 */
export function match(query, name) {
  const wanted = folded(query.trim());
  // A letter that is folded into two would shift the indexes.
  const given = folded(name).length === name.length ? folded(name) : name.toLowerCase();
  if (wanted === '') return { score: 0, at: [] };
  const whole = wholeAt(wanted, given);
  if (whole >= 0) {
    const at = [...wanted].map((_, index) => whole + index);
    const bonus = isBeginning(given, whole) ? BEGINNING * 2 : 0;
    return { score: wanted.length * NEXT + bonus - Math.floor(given.length / LETTERS), at };
  }
  /** @type {number[]} */
  const at = [];
  let score = 0;
  for (const letter of wanted.replace(/\s+/g, '')) {
    const from = (at.at(-1) ?? -1) + 1;
    const next = given.indexOf(letter, from);
    if (next < 0) return null;
    const beginning = beginningOf(letter, given, from);
    const chosen = next !== from && beginning >= 0 ? beginning : next;
    score += chosen === from && at.length > 0 ? NEXT : isBeginning(given, chosen) ? BEGINNING : ANYWHERE;
    at.push(chosen);
  }
  return { score: score - Math.floor(given.length / LETTERS), at };
}

/** @param {string} wanted @param {string} given */
function wholeAt(wanted, given) {
  for (let at = given.indexOf(wanted); at >= 0; at = given.indexOf(wanted, at + 1))
    if (isBeginning(given, at)) return at;
  return given.indexOf(wanted);
}

/** @param {string} letter @param {string} given @param {number} from */
function beginningOf(letter, given, from) {
  for (let at = given.indexOf(letter, from); at >= 0; at = given.indexOf(letter, at + 1))
    if (isBeginning(given, at)) return at;
  return -1;
}
