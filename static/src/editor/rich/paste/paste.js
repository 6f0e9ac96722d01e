/** What is pasted: Markdown as text, and the HTML of office programs. */
import { DOMParser as Parser, Slice } from '@tiptap/pm/model';
import { looksLikeMarkdown, nodesOf } from './markdown-nodes.js';
import { fromOffice, isOffice } from './office.js';

/** @import { EditorView } from '@tiptap/pm/view' */

/**
 * @param {EditorView} view
 * @param {ClipboardEvent} event
 */
export function pasteMarkdown(view, { clipboardData }) {
  if (!clipboardData || clipboardData.files.length > 0 || clipboardData.getData('text/html')) return false;
  const text = clipboardData.getData('text/plain').replace(/\r\n?/g, '\n');
  const { $from } = view.state.selection;
  if (!looksLikeMarkdown(text) || $from.parent.type.spec.code) return false;
  const content = nodesOf(text, view.state.schema);
  if (content.childCount === 0) return false;
  // A single paragraph goes on with the text around it; of several blocks each one stays what it is.
  const isText = content.childCount === 1 && content.firstChild?.type.name === 'paragraph';
  view.dispatch(view.state.tr.replaceSelection(new Slice(content, isText ? 1 : 0, isText ? 1 : 0)).scrollIntoView());
  return true;
}

/**
 * Comes before ProseMirror reads the HTML, whose styles the page's policy refuses.
 * @param {EditorView} view
 * @param {ClipboardEvent} event
 */
export function pasteOffice(view, event) {
  const html = event.clipboardData?.getData('text/html') ?? '';
  const { $from } = view.state.selection;
  if (!view.editable || !isOffice(html) || $from.parent.type.spec.code) return false;
  const slice = Parser.fromSchema(view.state.schema).parseSlice(fromOffice(html), { context: $from });
  if (slice.content.childCount === 0) return false;
  event.preventDefault();
  view.dispatch(view.state.tr.replaceSelection(slice).scrollIntoView());
  return true;
}
