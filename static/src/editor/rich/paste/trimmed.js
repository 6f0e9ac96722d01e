/** Lines of pasted nodes. */

/** @import { Node, Schema } from '@tiptap/pm/model' */

/**
 * Without white space at both ends of the line.
 * @param {Node[]} inline
 * @param {Schema} schema
 */
export function trimmed(inline, schema) {
  const cut = (/** @type {number} */ at, /** @type {RegExp} */ space) => {
    const node = inline.at(at);
    if (!node?.isText || node.marks.length > 0) return;
    const text = node.text?.replace(space, '') ?? '';
    const index = at < 0 ? inline.length + at : at;
    inline.splice(index, 1, ...(text ? [schema.text(text, node.marks)] : []));
  };
  cut(0, /^\s+/);
  cut(-1, /\s+$/);
  return inline;
}
