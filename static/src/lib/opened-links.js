/** The links that were opened in this tab. Their tokens are kept for the tab, and are in no address. */

/**
 * `token`: of POST shares/open. `named`: whether the person chose a name when opening the link, which is theirs from then
 * on. `title`: of what the link opens.
 * @typedef {{ token: string, named: boolean, expires_at: string, title?: string }} Opened
 */

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;
const keyOf = (/** @type {string} */ document) => `collab:link:${document.toLowerCase()}`;

/**
 * Whether an address is the id of a document.
 * @param {string} address
 */
export const isId = (address) => UUID.test(address);

/**
 * Keeps a link for the page of its document. Throws where this browser keeps nothing.
 * @param {string} document
 * @param {Opened} opened
 */
export function keepOpened(document, opened) {
  sessionStorage.setItem(keyOf(document), JSON.stringify(opened));
}

/**
 * Returns the link that was opened for a document; null where there is none, or its time is over.
 * @param {string} document
 * @returns {Opened | null}
 */
export function findOpened(document) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(keyOf(document)) ?? 'null');
    return kept && Date.parse(kept.expires_at) > Date.now() ? kept : null;
  } catch {
    return null;
  }
}

/** @param {string} document */
export function forgetOpened(document) {
  try {
    sessionStorage.removeItem(keyOf(document));
  } catch {
    // Nothing was kept.
  }
}
