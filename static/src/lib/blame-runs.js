/** Who wrote which part of a text, as runs of characters, kept right while the text changes. */

/**
 * `author`: a key; '' while nobody is known. `at`: milliseconds; null: not known. `length`: UTF-16 code units.
 * @typedef {{ length: number, author: string, at: number | null }} Run
 */

/**
 * `from` to `to` of the old text is replaced by `length` characters.
 * @typedef {{ from: number, to: number, length: number, author: string, at: number | null }} Edit
 */

/** Milliseconds. What a person types without a longer pause is one run. */
const PAUSE = 300000;

/** @param {Run} a @param {Run} b */
const isSame = (a, b) =>
  a.author === b.author && (a.at === b.at || (a.at !== null && b.at !== null && Math.abs(a.at - b.at) < PAUSE));

/**
 * Joins neighbours of one author and time, and leaves out empty runs.
 * @param {Run[]} runs
 * @returns {Run[]}
 */
export function joined(runs) {
  /** @type {Run[]} */
  const found = [];
  for (const run of runs) {
    const last = found.at(-1);
    if (run.length === 0) continue;
    if (last && isSame(last, run)) {
      const at = last.at === null || run.at === null ? last.at : Math.max(last.at, run.at);
      found[found.length - 1] = { ...last, length: last.length + run.length, at };
    } else found.push(run);
  }
  return found;
}

/**
 * The runs between two places. What lies past the last run is nobody's.
 * @param {Run[]} runs
 * @param {number} from
 * @param {number} to
 * @returns {Run[]}
 */
export function slice(runs, from, to) {
  const found = [];
  let at = 0;
  for (const run of runs) {
    const length = Math.min(to, at + run.length) - Math.max(from, at);
    if (length > 0) found.push({ ...run, length });
    at += run.length;
    if (at >= to) break;
  }
  const rest = to - Math.max(from, at);
  if (rest > 0) found.push({ length: rest, author: '', at: null });
  return found;
}

/** @param {Run[]} runs */
export const lengthOf = (runs) => runs.reduce((sum, { length }) => sum + length, 0);

/**
 * The runs after edits.
 * @param {Run[]} runs
 * @param {Edit[]} edits in the order of their places in the old text
 * @returns {Run[]}
 */
export function edited(runs, edits) {
  /** @type {Run[]} */
  const found = [];
  let reached = 0;
  for (const { from, to, length, author, at } of edits) {
    found.push(...slice(runs, reached, from), { length, author, at });
    reached = to;
  }
  return joined([...found, ...slice(runs, reached, Math.max(reached, lengthOf(runs)))]);
}

/**
 * Puts the runs of a text that was read onto the text of now, which may have changed meanwhile. Where the two differ,
 * `known` stays.
 * @param {object} options
 * @param {Run[]} options.read
 * @param {string} options.text that the runs are of
 * @param {string} options.now
 * @param {Run[]} options.known of the text of now
 * @returns {Run[]}
 */
export function aligned({ read, text, now, known }) {
  if (text === now) return joined(read);
  const most = Math.min(text.length, now.length);
  let start = 0;
  while (start < most && text[start] === now[start]) start += 1;
  let end = 0;
  while (end < most - start && text[text.length - 1 - end] === now[now.length - 1 - end]) end += 1;
  return joined([
    ...slice(read, 0, start),
    ...slice(known, start, now.length - end),
    ...slice(read, text.length - end, text.length),
  ]);
}

/**
 * The run at a place: that of the character before it. null: there is none.
 * @param {Run[]} runs
 * @param {number} place
 */
export function runAt(runs, place) {
  let at = 0;
  for (const run of runs) {
    at += run.length;
    if (place <= at) return run;
  }
  return null;
}
