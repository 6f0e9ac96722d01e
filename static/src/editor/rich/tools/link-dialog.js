/** Asks where a link leads, and makes, changes or removes it. */
import { getMarkRange } from '@tiptap/core';
import { alertLine, field, tell } from '../../../components/form.js';
import { openDialog } from '../../../components/dialog.js';
import { find, h } from '../../../lib/dom.js';
import { addressFrom } from '../addresses.js';

/** @import { Editor } from '@tiptap/core' */

/**
 * The link at the selection, with the text that it covers.
 * @param {Editor} editor
 */
export function linkAt({ state, schema }) {
  const { $from, from, to } = state.selection;
  const range = getMarkRange($from, schema.marks.link);
  if (!range) return null;
  const isInside = from >= range.from && to <= range.to;
  const mark = state.doc.resolve(range.from).nodeAfter?.marks.find(({ type }) => type === schema.marks.link);
  return isInside && mark ? { ...range, href: String(mark.attrs.href ?? ''), mark } : null;
}

/** @param {Editor} editor */
export function linkDialog(editor) {
  const link = linkAt(editor);
  const { from, to } = link ?? editor.state.selection;
  const text = editor.state.doc.textBetween(from, to, ' ');
  const isOneLine = editor.state.doc.resolve(from).sameParent(editor.state.doc.resolve(to));
  const line = alertLine();
  const form = h(
    'form',
    { class: 'form', novalidate: true },
    field({
      name: 'href',
      label: 'Link',
      value: link?.href ?? '',
      autocomplete: 'off',
      spellcheck: 'false',
      inputmode: 'url',
      placeholder: 'https://',
    }),
    isOneLine && field({ name: 'text', label: 'Text', value: text, autocomplete: 'off' }),
    line,
    h(
      'div',
      { class: 'actions' },
      link &&
        h(
          'button',
          {
            class: 'button quiet',
            type: 'button',
            onclick: () => {
              editor.view.dispatch(editor.state.tr.removeMark(link.from, link.to, editor.schema.marks.link));
              close(true);
            },
          },
          'Remove link',
        ),
      h('button', { class: 'button', type: 'button', onclick: () => close() }, 'Cancel'),
      h('button', { class: 'button primary', type: 'submit' }, link ? 'Change link' : 'Add link'),
    ),
  );
  const href = find(form, '[name="href"]', HTMLInputElement);
  const words = find(form, '[name="text"]', HTMLInputElement);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const address = addressFrom(href?.value ?? '');
    if (!address) {
      tell(line, 'That is no address that a link may lead to. It begins with https:// or mailto:, for example.');
      href?.focus();
      return;
    }
    write(editor, { from, to, address, text, wanted: words?.value.trim() ?? text });
    close(true);
  });
  const { close, closed } = openDialog({ title: link ? 'Change link' : 'Add link', content: [form] });
  href?.focus();
  href?.select();
  return closed.then(() => editor.view.focus());
}

/**
 * @param {Editor} editor
 * @param {{ from: number, to: number, address: string, text: string, wanted: string }} link
 */
function write(editor, { from, to, address, text, wanted }) {
  const { state, schema, view } = editor;
  const mark = schema.marks.link.create({ href: address });
  const { tr } = state;
  // Others may have written meanwhile.
  if (to > tr.doc.content.size) return;
  let end = to;
  if (from === to || (wanted && wanted !== text)) {
    const said = wanted || address.replace(/^mailto:/, '');
    const marks = state.doc
      .resolve(from)
      .marks()
      .filter(({ type }) => type !== schema.marks.link);
    tr.replaceWith(from, to, schema.text(said, marks));
    end = from + said.length;
  }
  tr.removeMark(from, end, schema.marks.link).addMark(from, end, mark).removeStoredMark(schema.marks.link);
  view.dispatch(tr.setMeta('preventAutolink', true));
}
