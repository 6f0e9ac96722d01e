/** Shows rich text with parts that the editor does not know, as Markdown. Edited here, these parts would be lost. */
import * as Y from 'yjs';
import { markdownOf } from '../../lib/api.js';
import { debounced, h } from '../../lib/dom.js';
import { messageOf } from '../../lib/request.js';
import { textOf } from '../content.js';

/** @import { Editor } from '../editor-types.js' */
/** @import { Options } from './rich-editor.js' */

/** Milliseconds after an edit of others until the text is read again. */
const READ_AFTER = 1500;

/**
 * @param {Options} options
 * @param {string} unknown what the editor does not know
 * @returns {Editor}
 */
export function foreignText({ parent, doc, awareness, language, session, createText }, unknown) {
  const copy = new Y.Doc();
  const why = h(
    'p',
    { class: 'foreign', role: 'note' },
    `This document was written with another editor and has parts that this page does not know (${unknown}). `,
    'It is shown as Markdown and cannot be edited here.',
  );
  const root = h('div', { class: 'foreign-text' }, why);
  parent.append(root);
  const shown = createText({ parent: root, doc: copy, awareness, readOnly: true, language });
  let isGone = false;
  const read = async () => {
    const { details } = session;
    if (!details || isGone) return;
    try {
      const markdown = await markdownOf(details.id);
      const text = textOf(copy);
      if (isGone || markdown === text.toString()) return;
      copy.transact(() => {
        text.delete(0, text.length);
        text.insert(0, markdown);
      });
    } catch (error) {
      why.textContent = `The text could not be read. ${messageOf(error)}`;
    }
  };
  const readSoon = debounced(READ_AFTER, read);
  doc.on('update', readSoon);
  if (session.details) read();
  else session.addEventListener('details', read, { once: true });
  return {
    kind: 'foreign',
    get hasFocus() {
      return shown.hasFocus;
    },
    get selection() {
      return shown.selection;
    },
    restore: (selection) => shown.restore(selection),
    focus: () => shown.focus(),
    destroy() {
      isGone = true;
      doc.off('update', readSoon);
      shown.destroy();
      root.remove();
    },
    setReadOnly() {},
    measure: () => shown.measure(),
    chosen: () => null,
    chosenBox: () => null,
  };
}
