/** What people have begun to type in this page, while the field is drawn anew or closed. */

/** @import { Named } from './mentions.js' */

/** @typedef {{ text: string, named: Named[] }} Draft named: whom the text mentions */

/** @type {Map<string, Draft>} */
const drafts = new Map();

/**
 * The properties of a field that keep what is typed into it.
 * @param {string} key of the field
 */
export const keptAs = (key) => ({
  kept: drafts.get(key),
  keep: (/** @type {Draft} */ draft) => {
    if (draft.text) drafts.set(key, draft);
    else drafts.delete(key);
  },
});
