/** Finds what the schema does not know: the binding to Yjs would delete it, for everybody. */
import * as Y from 'yjs';

/** @import { Schema } from '@tiptap/pm/model' */

/** A mark that may overlap others of its kind has a hash behind its name. */
const HASH = /--[A-Za-z0-9+/=]{8}$/;

class Strange extends Error {}

/**
 * @param {Schema} schema
 * @param {Y.XmlText} text
 */
function textNodes(schema, text) {
  return text.toDelta().map((/** @type {{ insert: unknown, attributes?: Record<string, any> }} */ part) => {
    if (typeof part.insert !== 'string') throw new Strange('an embedded object');
    const marks = Object.entries(part.attributes ?? {})
      .filter(([name]) => name !== 'ychange')
      .map(([name, attrs]) => {
        const type = name.replace(HASH, '');
        if (!schema.marks[type]) throw new Strange(type);
        return { type, attrs };
      });
    return { type: 'text', text: part.insert, marks };
  });
}

/**
 * @param {Schema} schema
 * @param {Y.XmlFragment} parent
 */
function contentOf(schema, parent) {
  /** @type {object[]} */
  const content = [];
  for (const child of /** @type {unknown[]} */ (parent.toArray())) {
    if (child instanceof Y.XmlText && Object.keys(child.getAttributes()).length === 0)
      content.push(...textNodes(schema, child));
    else if (child instanceof Y.XmlElement) content.push(nodeOf(schema, child));
    else throw new Strange('text outside of a block');
  }
  return content;
}

/**
 * @param {Schema} schema
 * @param {Y.XmlElement} element
 * @returns {object}
 */
function nodeOf(schema, element) {
  if (!schema.nodes[element.nodeName]) throw new Strange(element.nodeName);
  return { type: element.nodeName, attrs: element.getAttributes(), content: contentOf(schema, element) };
}

/**
 * The name of a node or mark that is not in the schema, or what else does not fit. null: all of it fits.
 * @param {Schema} schema
 * @param {Y.XmlFragment | Y.XmlText} part
 * @returns {string | null}
 */
export function strangeIn(schema, part) {
  try {
    if (part instanceof Y.XmlText) textNodes(schema, part);
    else if (part instanceof Y.XmlElement) schema.nodeFromJSON(nodeOf(schema, part)).check();
    else if (part.length > 0) schema.nodeFromJSON({ type: 'doc', content: contentOf(schema, part) }).check();
    return null;
  } catch (error) {
    if (error instanceof Strange) return error.message;
    if (error instanceof RangeError || error instanceof TypeError) return 'an order of blocks';
    throw error;
  }
}
