/** Reads search snippets, which are escaped HTML with <mark>, as text and marks, never as HTML. */

/** @type {Record<string, string>} */
const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'", '#x27': "'", '#34': '"' };
/** @param {string} text */
const unescaped = (text) => text.replace(/&(#?\w+);/g, (whole, name) => ENTITIES[name] ?? whole);

/**
 * @param {string} snippet
 * @returns {{ text: string, marked: boolean }[]}
 */
export function partsOf(snippet) {
  let marked = false;
  const parts = [];
  for (const piece of snippet.split(/(<\/?mark>)/)) {
    if (piece === '<mark>') marked = true;
    else if (piece === '</mark>') marked = false;
    else if (piece) parts.push({ text: unescaped(piece), marked });
  }
  return parts;
}
