/** Loading parts of a page that it can do without for a while. */

const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;

/**
 * Loads a part of the page, and tries again where the server cannot be reached.
 * @template T
 * @param {() => Promise<T>} load
 * @returns {Promise<T>}
 */
export async function bring(load) {
  for (let wait = FIRST_WAIT; ; wait = Math.min(LONGEST_WAIT, wait * 2)) {
    try {
      return await load();
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      await new Promise((resolve) => {
        setTimeout(resolve, wait);
      });
    }
  }
}
