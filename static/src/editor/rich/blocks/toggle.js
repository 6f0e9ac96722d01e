/**
 * Toggles, with the names and the structure of @tiptap/extension-details, which is not published for the version of Tiptap
 * that this page has. Whether one is open is not stored.
 */
import { Node } from '@tiptap/core';
import { Selection, TextSelection } from '@tiptap/pm/state';

/** @import { Editor, NodeViewRenderer } from '@tiptap/core' */
/** @import { ResolvedPos } from '@tiptap/pm/model' */

/**
 * How deep the toggle around a place is. 0: there is none.
 * @param {ResolvedPos} $at
 */
export function toggleDepth($at) {
  for (let depth = $at.depth; depth > 0; depth -= 1) if ($at.node(depth).type.name === 'details') return depth;
  return 0;
}

/**
 * Puts the blocks of the selection into a toggle.
 * @param {Editor} editor
 */
export function addToggle(editor) {
  const { state, schema, view } = editor;
  const { details, detailsSummary, detailsContent, paragraph } = schema.nodes;
  const range = state.selection.$from.blockRange(state.selection.$to);
  if (!range) return false;
  const { tr } = state;
  const slice = tr.doc.slice(range.start, range.end);
  const isEmpty = range.endIndex - range.startIndex === 1 && slice.content.firstChild?.content.size === 0;
  const content = isEmpty ? paragraph.create() : slice.content;
  const inner = detailsContent.createChecked(null, content);
  tr.replaceRangeWith(range.start, range.end, details.create(null, [detailsSummary.create(), inner]));
  tr.setSelection(TextSelection.create(tr.doc, tr.mapping.map(range.start, -1) + 2));
  view.dispatch(tr.scrollIntoView());
  return true;
}

/**
 * Takes a toggle away; its summary and its blocks stay.
 * @param {Editor} editor
 */
export function removeToggle({ state, schema, view }) {
  const { $from } = state.selection;
  const depth = toggleDepth($from);
  if (!depth) return false;
  const node = $from.node(depth);
  const summary = schema.nodes.paragraph.create(null, node.child(0).content);
  const at = $from.before(depth);
  const { tr } = state;
  const blocks = [...(summary.content.size > 0 ? [summary] : []), ...node.child(1).content.content];
  tr.replaceWith(at, $from.after(depth), blocks);
  view.dispatch(tr.setSelection(Selection.near(tr.doc.resolve(at + 1))).scrollIntoView());
  return true;
}

/** @param {Editor} editor */
function enterContent({ state, view }) {
  const { $from, empty } = state.selection;
  if (!empty || $from.parent.type.name !== 'detailsSummary') return false;
  const { tr, schema } = state;
  const rest = $from.parent.content.cut($from.parentOffset);
  const inside = $from.after() + 1;
  tr.delete($from.pos, $from.end());
  const at = tr.mapping.map(inside);
  const first = tr.doc.nodeAt(at);
  const isFree = first?.type.name === 'paragraph' && first.content.size === 0 && rest.size === 0;
  if (!isFree) tr.insert(at, schema.nodes.paragraph.create(null, rest));
  view.dispatch(tr.setSelection(TextSelection.create(tr.doc, at + 1)).scrollIntoView());
  return true;
}

/**
 * Goes on below a toggle, from an empty last paragraph in it.
 * @param {Editor} editor
 */
function leaveContent({ state, view }) {
  const { $from, empty } = state.selection;
  const isLast =
    $from.depth > 2 &&
    $from.node(-1).type.name === 'detailsContent' &&
    $from.indexAfter(-1) === $from.node(-1).childCount;
  if (!empty || !isLast || $from.parent.type.name !== 'paragraph' || $from.parent.content.size > 0) return false;
  const { tr } = state;
  const behind = $from.after(-2);
  if ($from.node(-1).childCount > 1) tr.delete($from.before(), $from.after());
  const at = tr.mapping.map(behind);
  tr.insert(at, state.schema.nodes.paragraph.create());
  view.dispatch(tr.setSelection(TextSelection.create(tr.doc, at + 1)).scrollIntoView());
  return true;
}

/** @param {NodeViewRenderer} [view] */
export const toggle = (view) => [
  Node.create({
    name: 'details',
    group: 'block',
    content: 'detailsSummary detailsContent',
    defining: true,
    isolating: true,
    parseHTML: () => [{ tag: 'details' }],
    renderHTML: () => ['details', 0],
    addNodeView: () => view ?? null,
    addKeyboardShortcuts() {
      return {
        Enter: () => enterContent(this.editor) || leaveContent(this.editor),
        Backspace: () => {
          const { $from, empty } = this.editor.state.selection;
          const isBegin = empty && $from.parent.type.name === 'detailsSummary' && $from.parentOffset === 0;
          return isBegin && removeToggle(this.editor);
        },
      };
    },
  }),
  Node.create({
    name: 'detailsSummary',
    content: 'text*',
    defining: true,
    selectable: false,
    isolating: true,
    parseHTML: () => [{ tag: 'summary' }],
    renderHTML: () => ['summary', 0],
  }),
  Node.create({
    name: 'detailsContent',
    content: 'block+',
    defining: true,
    selectable: false,
    parseHTML: () => [{ tag: 'div[data-type="detailsContent"]' }],
    renderHTML: () => ['div', { 'data-type': 'detailsContent' }, 0],
  }),
];
