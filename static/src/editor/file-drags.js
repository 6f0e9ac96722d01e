/** Files that are dragged over the page: shows where they can be dropped. A browser would leave the page for them. */
import { h, setText } from '../lib/dom.js';

/**
 * @param {object} options
 * @param {() => boolean} options.mayDrop
 * @param {() => boolean} options.intoText whether files that are dropped on the text get into it
 * @param {(data: DataTransfer) => void} options.drop called for files that the editor does not take
 */
export function watchDrags({ mayDrop, intoText, drop }) {
  const { body } = document;
  const label = h('span', {});
  const sign = h('div', { class: 'drop-sign', hidden: true, 'aria-hidden': 'true' }, label);
  body.append(sign);
  const hasFiles = (/** @type {DragEvent} */ { dataTransfer }) => Boolean(dataTransfer?.types.includes('Files'));
  const end = () => {
    if (sign.hidden) return;
    sign.hidden = true;
    delete body.dataset.dropping;
  };
  addEventListener('dragover', (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    if (!mayDrop()) {
      if (event.dataTransfer) event.dataTransfer.dropEffect = 'none';
      return;
    }
    if (event.dataTransfer) event.dataTransfer.dropEffect = 'copy';
    const target = event.target instanceof Element && event.target.closest('.cm-content') ? 'text' : 'files';
    body.dataset.dropping = target;
    sign.hidden = false;
    setText(label, target === 'text' && intoText() ? 'Drop to put it here in the text' : 'Drop to add it to the files');
  });
  addEventListener('dragleave', ({ relatedTarget }) => {
    if (relatedTarget === null) end();
  });
  // A drag that was given up tells nothing.
  addEventListener('pointermove', end, { passive: true });
  addEventListener('drop', (event) => {
    end();
    if (!hasFiles(event) || event.defaultPrevented) return;
    event.preventDefault();
    if (mayDrop() && event.dataTransfer) drop(event.dataTransfer);
  });
}

/**
 * The files of a drag or of the clipboard, without folders, which cannot be read.
 * @param {DataTransfer} data
 * @returns {{ files: File[], folders: number }}
 */
export function filesIn(data) {
  const items = [...data.items].filter(({ kind }) => kind === 'file');
  const isFolder = items.map((item) => item.webkitGetAsEntry?.()?.isDirectory ?? false);
  const files = [...data.files].filter((_, index) => !isFolder[index]);
  return { files, folders: isFolder.filter(Boolean).length };
}
