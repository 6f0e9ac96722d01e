/** Lists that are read as a whole. */

/** @import { Page, Query } from '../lib/types.js' */

const PAGE = 200;

/**
 * Reads all pages of a list.
 * @template T
 * @param {(query: Query) => Promise<Page<T>>} read
 */
export async function wholeOf(read) {
  /** @type {T[]} */
  const found = [];
  let cursor = null;
  do {
    const page = await read({ limit: PAGE, cursor });
    found.push(...page.items);
    cursor = page.next_cursor;
  } while (cursor);
  return found;
}
