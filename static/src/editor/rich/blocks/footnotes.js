/** Footnotes, with the names and attributes of Milkdown. A footnote is one paragraph, which Markdown writes where it stands. */
import { Node } from '@tiptap/core';
import { NodeSelection, TextSelection } from '@tiptap/pm/state';

/** @import { Editor, NodeViewRenderer } from '@tiptap/core' */

const label = {
  label: {
    default: '1',
    parseHTML: (/** @type {HTMLElement} */ element) => element.dataset.label ?? '1',
    renderHTML: (/** @type {Record<string, unknown>} */ attributes) => ({ 'data-label': attributes.label }),
  },
};

/**
 * The place of a footnote or of the first reference to it. null: there is none.
 * @param {Editor} editor
 * @param {'footnoteReference' | 'footnoteDefinition'} name
 * @param {string} wanted label
 */
function placeOf({ state }, name, wanted) {
  /** @type {number | null} */
  let found = null;
  state.doc.descendants((node, at) => {
    if (found === null && node.type.name === name && node.attrs.label === wanted) found = at;
    return found === null;
  });
  return found;
}

/**
 * Puts the caret into a footnote, or selects the reference to it.
 * @param {Editor} editor
 * @param {'footnoteReference' | 'footnoteDefinition'} name
 * @param {string} wanted
 */
export function goTo(editor, name, wanted) {
  const at = placeOf(editor, name, wanted);
  if (at === null) return false;
  const { state, view } = editor;
  const end = at + (state.doc.nodeAt(at)?.nodeSize ?? 1) - 1;
  const selection =
    name === 'footnoteReference' ? NodeSelection.create(state.doc, at) : TextSelection.create(state.doc, end);
  view.dispatch(state.tr.setSelection(selection).scrollIntoView());
  view.focus();
  return true;
}

/**
 * Puts a reference at the caret and its footnote at the end, where the caret goes.
 * @param {Editor} editor
 */
export function addFootnote(editor) {
  const { state, schema, view } = editor;
  let last = 0;
  state.doc.descendants((node) => {
    if (/^footnote/.test(node.type.name)) last = Math.max(last, parseInt(node.attrs.label, 10) || 0);
  });
  const attributes = { label: String(last + 1) };
  const { tr, selection } = state;
  const { parent } = selection.$to;
  const index = selection.$to.indexAfter();
  if (!parent.canReplaceWith(index, index, schema.nodes.footnoteReference)) return false;
  tr.insert(selection.to, schema.nodes.footnoteReference.create(attributes));
  const end = tr.doc.content.size;
  tr.insert(end, schema.nodes.footnoteDefinition.create(attributes));
  view.dispatch(tr.setSelection(TextSelection.create(tr.doc, end + 1)).scrollIntoView());
  view.focus();
  return true;
}

/** @param {{ reference?: NodeViewRenderer, definition?: NodeViewRenderer }} [views] */
export const footnotes = ({ reference, definition } = {}) => [
  Node.create({
    name: 'footnoteReference',
    group: 'inline',
    inline: true,
    atom: true,
    addAttributes: () => label,
    parseHTML: () => [{ tag: 'sup[data-label]', priority: 60 }],
    renderHTML: ({ node, HTMLAttributes }) => ['sup', HTMLAttributes, String(node.attrs.label)],
    renderText: ({ node }) => `[^${node.attrs.label}]`,
    addNodeView: () => reference ?? null,
    addKeyboardShortcuts() {
      return {
        Enter: () => {
          const { selection } = this.editor.state;
          const isOne = selection instanceof NodeSelection && selection.node.type === this.type;
          return isOne && goTo(this.editor, 'footnoteDefinition', selection.node.attrs.label);
        },
      };
    },
  }),
  Node.create({
    name: 'footnoteDefinition',
    group: 'block',
    content: 'inline*',
    defining: true,
    addAttributes: () => label,
    parseHTML: () => [{ tag: 'div[data-footnote]' }],
    renderHTML: ({ HTMLAttributes }) => ['div', { ...HTMLAttributes, 'data-footnote': '' }, 0],
    addNodeView: () => definition ?? null,
    addKeyboardShortcuts() {
      return {
        // A footnote is one paragraph: Enter leads back to the text.
        Enter: () => {
          const { $from } = this.editor.state.selection;
          return $from.parent.type === this.type && goTo(this.editor, 'footnoteReference', $from.parent.attrs.label);
        },
        Backspace: () => {
          const { $from, empty } = this.editor.state.selection;
          const isBegin = empty && $from.parent.type === this.type && $from.parentOffset === 0;
          return isBegin && this.editor.commands.setNode('paragraph');
        },
      };
    },
  }),
];
