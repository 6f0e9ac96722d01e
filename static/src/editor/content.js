/** What a document holds: Markdown in a text, or rich text in nodes. */
import * as Y from 'yjs';
import { firstHeading } from './heading.js';

/** The names of roots for nodes. As on the server, the first one that is there counts. */
const FRAGMENTS = ['default', 'prosemirror'];
const LONGEST_TITLE = 200;

/** @param {Y.Doc} doc */
export const textOf = (doc) => doc.getText('content');

/**
 * The root for the nodes of a rich text.
 * @param {Y.Doc} doc
 */
export const fragmentOf = (doc) =>
  FRAGMENTS.map((name) => doc.getXmlFragment(name)).find((fragment) => fragment.length > 0) ??
  doc.getXmlFragment(FRAGMENTS[0]);

/** @param {Y.XmlFragment} fragment */
const hasNodes = (fragment) => fragment.toArray().every((node) => node instanceof Y.XmlElement);

/**
 * How the text of a document is edited. What is there decides; an empty document has an intended mode, and a root for
 * nodes that has been emptied is still the one that other editors show.
 * @param {Y.Doc} doc
 * @param {string} [mode] the setting `editor_mode`
 * @returns {'markdown' | 'rich'}
 */
export function kindOf(doc, mode) {
  if (textOf(doc).length > 0) return 'markdown';
  const fragment = fragmentOf(doc);
  if (fragment.length > 0) return hasNodes(fragment) ? 'rich' : 'markdown';
  return mode === 'wysiwyg' || fragment._start !== null ? 'rich' : 'markdown';
}

/** @param {Y.Doc} doc */
export const isEmpty = (doc) => textOf(doc).length === 0 && fragmentOf(doc).length === 0;

/**
 * @param {Y.XmlFragment} parent
 * @param {(block: Y.XmlElement, text: string) => boolean | void} see is given each text block; true ends it
 * @returns {boolean} whether it was ended
 */
function walk(parent, see) {
  const children = parent.toArray();
  const inline = children.filter((child) => !(child instanceof Y.XmlElement) || child.nodeName === 'hardBreak');
  if (parent instanceof Y.XmlElement && inline.length > 0)
    return see(parent, inline.map((child) => (child instanceof Y.XmlText ? stringOf(child) : '\n')).join('')) === true;
  return children.some((child) => child instanceof Y.XmlElement && walk(child, see));
}

/** @param {Y.XmlText} text */
const stringOf = (text) =>
  text
    .toDelta()
    .map((/** @type {{ insert: unknown }} */ { insert }) => (typeof insert === 'string' ? insert : ''))
    .join('');

/**
 * The text of a document: its Markdown, or a line for each block of a rich text.
 * @param {Y.Doc} doc
 */
export function plainText(doc) {
  const text = textOf(doc);
  if (text.length > 0) return text.toString();
  /** @type {string[]} */
  const lines = [];
  walk(fragmentOf(doc), (_, line) => {
    lines.push(line);
  });
  return lines.join('\n');
}

/**
 * The first heading that is not empty. null: there is none.
 * @param {Y.Doc} doc
 */
export function headingOf(doc) {
  const text = textOf(doc);
  if (text.length > 0) return firstHeading(text.toString());
  let heading = '';
  walk(fragmentOf(doc), ({ nodeName }, line) => {
    if (nodeName === 'heading')
      heading = line
        .replace(/[\p{C}\s]+/gu, ' ')
        .trim()
        .slice(0, LONGEST_TITLE)
        .trim();
    return heading !== '';
  });
  return heading || null;
}
