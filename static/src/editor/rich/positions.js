/** Places in rich text: offsets of the editor, and relative positions of Yjs as the server writes them. */
import {
  absolutePositionToRelativePosition,
  relativePositionToAbsolutePosition,
  ySyncPluginKey,
} from '@tiptap/y-tiptap';
import * as Y from 'yjs';
import { decoded, encoded } from '../../lib/relative-positions.js';

/** @import { EditorState } from '@tiptap/pm/state' */

/** @param {EditorState} state */
const bindingOf = (state) => {
  const { doc, type, binding } = ySyncPluginKey.getState(state);
  return { doc, type, mapping: binding.mapping };
};

/**
 * The position of an offset. Text that is typed there stays behind it (`assoc` 0) or before it (-1).
 * @param {EditorState} state
 * @param {number} at
 * @param {0 | -1} assoc
 */
export function positionAt(state, at, assoc) {
  const { doc, type, mapping } = bindingOf(state);
  const found = absolutePositionToRelativePosition(at, type, mapping);
  const place = Y.createAbsolutePositionFromRelativePosition(found, doc);
  const isInText = place?.type instanceof Y.XmlText && place.type.length > 0;
  return encoded(isInText ? Y.createRelativePositionFromTypeIndex(place.type, place.index, assoc) : found);
}

/**
 * The offset of a position. null: it is in no visible text.
 * @param {EditorState} state
 * @param {string} position
 * @returns {number | null}
 */
export function offsetOf(state, position) {
  const { doc, type, mapping } = bindingOf(state);
  try {
    const at = relativePositionToAbsolutePosition(doc, type, decoded(position), mapping);
    return at === null || at > state.doc.content.size ? null : at;
  } catch {
    return null;
  }
}

/**
 * The text of a document with a line for each block, and which positions its offsets have.
 * @param {import('@tiptap/pm/model').Node} doc
 */
export function plainOf(doc) {
  let text = '';
  /** @type {{ offset: number, at: number, length: number }[]} */
  const pieces = [];
  doc.descendants((node, at) => {
    if (node.isTextblock && text) text += '\n';
    if (!node.isText) return;
    pieces.push({ offset: text.length, at, length: node.nodeSize });
    text += node.text;
  });
  return {
    text,
    /** @param {number} at */
    offsetAt(at) {
      const piece = pieces.findLast((each) => each.at <= at);
      return piece ? piece.offset + Math.min(piece.length, at - piece.at) : 0;
    },
    /** @param {number} offset */
    positionAt(offset) {
      const piece = pieces.findLast((each) => each.offset <= offset);
      return piece ? piece.at + Math.min(piece.length, offset - piece.offset) : 0;
    },
  };
}
