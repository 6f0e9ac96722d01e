/** Search results come as escaped HTML with <mark>: read as text and marks, never as HTML. */
import { h } from './dom.js';

const ENTITIES = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'", '#39': "'", '#x27': "'", '#34': '"' };
const unescaped = (text) => text.replace(/&(#?\w+);/g, (whole, name) => ENTITIES[name] ?? whole);

/** @returns {{text: string, marked: boolean}[]} */
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

/** @returns {Node[]} for append() */
export const markedNodes = (snippet) =>
  partsOf(snippet ?? '').map(({ text, marked }) => (marked ? h('mark', {}, text) : document.createTextNode(text)));
