/** Moves, copies and deletes the blocks of the selection. */
import { Fragment } from '@tiptap/pm/model';
import { NodeSelection, Selection, TextSelection } from '@tiptap/pm/state';

/** @import { EditorState, Transaction } from '@tiptap/pm/state' */

/** Blocks of these are at places that the table or the toggle gives them. */
const FIXED = new Set(['details', 'tableRow', 'table']);

/**
 * The innermost blocks of the selection that can move up (-1) or down (1).
 * @param {EditorState} state
 * @param {1 | -1} step
 */
function movable({ selection }, step) {
  const { $from, $to } = selection;
  for (let depth = Math.min($from.sharedDepth($to.pos), $from.depth); depth >= 0; depth -= 1) {
    const parent = $from.node(depth);
    if (FIXED.has(parent.type.name) || parent.isTextblock) continue;
    const [first, behind] = [$from.index(depth), Math.max($to.indexAfter(depth), $from.index(depth) + 1)];
    const other = step < 0 ? first - 1 : behind;
    if (other < 0 || other >= parent.childCount) continue;
    const children = [...parent.content.content];
    const [sibling] = children.splice(other, 1);
    children.splice(step < 0 ? behind - 1 : first, 0, sibling);
    if (parent.type.validContent(Fragment.from(children))) return { depth, first, behind, sibling };
  }
  return null;
}

/**
 * A transaction that moves the blocks of the selection by one. null: they cannot move.
 * @param {EditorState} state
 * @param {1 | -1} step
 * @returns {Transaction | null}
 */
export function moveBlocks(state, step) {
  const found = movable(state, step);
  if (!found) return null;
  const { $from } = state.selection;
  const { depth, first, behind, sibling } = found;
  const start = $from.posAtIndex(first, depth);
  const end = $from.posAtIndex(behind, depth);
  const blocks = state.doc.slice(start, end).content;
  const shift = step * sibling.nodeSize;
  const { tr } = state;
  tr.delete(start, end).insert(start + shift, blocks);
  const { anchor, head } = state.selection;
  const selection =
    state.selection instanceof NodeSelection
      ? NodeSelection.create(tr.doc, anchor + shift)
      : TextSelection.between(tr.doc.resolve(anchor + shift), tr.doc.resolve(head + shift));
  return tr.setSelection(selection).scrollIntoView();
}

/**
 * @param {EditorState} state
 * @param {number} at where a block begins
 */
export function duplicateBlock({ tr, doc }, at) {
  const node = doc.nodeAt(at);
  if (!node) return null;
  tr.insert(at + node.nodeSize, node);
  return tr.setSelection(Selection.near(tr.doc.resolve(at + node.nodeSize + 1))).scrollIntoView();
}

/**
 * @param {EditorState} state
 * @param {number} at where a block begins
 */
export function deleteBlock({ tr, doc, schema }, at) {
  const node = doc.nodeAt(at);
  if (!node) return null;
  if (doc.childCount === 1) tr.replaceWith(at, at + node.nodeSize, schema.nodes.paragraph.create());
  else tr.delete(at, at + node.nodeSize);
  return tr.setSelection(Selection.near(tr.doc.resolve(Math.min(at, tr.doc.content.size)))).scrollIntoView();
}
