/** Asks for the alt text, the caption and the width of the selected picture. */
import { isNodeSelection } from '@tiptap/core';
import { formDialog } from '../../../components/dialog.js';
import { LEAST_PICTURE, widthOf } from './picture-view.js';

/** @import { Editor } from '@tiptap/core' */
/** @import { Node } from '@tiptap/pm/model' */

/**
 * Sets attributes of a picture that others may have moved meanwhile.
 * @param {Editor} editor
 * @param {Node} node
 * @param {number} from
 * @param {Record<string, unknown>} attributes
 */
function change(editor, node, from, attributes) {
  const { doc, tr } = editor.state;
  let at = doc.nodeAt(from)?.eq(node) ? from : -1;
  if (at < 0)
    doc.descendants((each, other) => {
      if (at < 0 && each.eq(node)) at = other;
    });
  if (at < 0) return;
  for (const [name, value] of Object.entries(attributes)) tr.setNodeAttribute(at, name, value);
  editor.view.dispatch(tr);
}

/** @param {Editor} editor */
function selectedPicture({ state: { selection } }) {
  return isNodeSelection(selection) && selection.node.type.name === 'image' ? selection : null;
}

/**
 * @param {Editor} editor
 * @param {'alt' | 'title' | 'width'} [first] the field that has the focus
 * @returns {boolean} false: no picture is selected
 */
export function describe(editor, first = 'alt') {
  const selection = selectedPicture(editor);
  if (!selection) return false;
  const { node, from } = selection;
  const { alt, title, width } = node.attrs;
  const fields = [
    {
      name: 'alt',
      label: 'Alt text',
      value: alt ?? '',
      maxlength: 500,
      autocomplete: 'off',
      hint: 'People who cannot see the picture are read this text.',
    },
    { name: 'title', label: 'Caption', value: title ?? '', maxlength: 500, autocomplete: 'off' },
    {
      name: 'width',
      label: 'Width in pixels',
      type: 'number',
      value: String(widthOf(width) ?? ''),
      min: LEAST_PICTURE,
      max: 4000,
      placeholder: 'As wide as the picture is',
    },
  ];
  formDialog({
    title: 'Picture',
    fields: fields.map((each) => (each.name === first ? { ...each, autofocus: true } : each)),
    verb: 'Save',
    act: (values) =>
      change(editor, node, from, {
        alt: values.alt || null,
        title: values.title || null,
        ...(values.width === String(widthOf(width) ?? '') ? {} : { width: widthOf(values.width), height: null }),
      }),
  }).then(() => editor.view.focus());
  return true;
}

/**
 * @param {Editor} editor
 * @param {number | null} width in pixels; null: its own
 */
export function setPictureWidth(editor, width) {
  const selection = selectedPicture(editor);
  if (selection) change(editor, selection.node, selection.from, { width, height: null });
}

/** Whether the selected picture has this width. @param {Editor} editor @param {number | null} width */
export const hasWidth = (editor, width) => widthOf(selectedPicture(editor)?.node.attrs.width) === width;
