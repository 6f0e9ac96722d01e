/** The files of the open document, in a panel at the side. On a narrow screen it fills the page. */
import { h } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Icon, useCurrentTimes } from './elements.js';
import { FileRow, UploadRow } from './file-rows.js';

/** @import { Files } from '../editor/files.js' */

const hasMouse = matchMedia('(pointer: fine)');

/**
 * Keeps the focus in the panel where the row that has it goes.
 * @param {import('preact').RefObject<HTMLElement | null>} panel
 * @param {unknown[]} rows
 */
function useFocusWithin(panel, rows) {
  useEffect(() => {
    if (document.activeElement === document.body) panel.current?.focus();
  }, [rows.length]);
}

/** @param {{ files: Files }} props */
function AddFiles({ files }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  return h(
    'div',
    { class: 'files-add' },
    h('input', {
      ref: input,
      type: 'file',
      multiple: true,
      hidden: true,
      'aria-label': 'Files to add',
      onChange: (/** @type {Event} */ event) => {
        const field = /** @type {HTMLInputElement} */ (event.currentTarget);
        files.add([...(field.files ?? [])]);
        // The same file can be chosen again.
        field.value = '';
      },
    }),
    h(
      'button',
      { class: 'button full', type: 'button', onClick: () => input.current?.click() },
      h(Icon, { name: 'upload' }),
      'Add files',
    ),
  );
}

/** @param {{ mayEdit: boolean }} props */
const Empty = ({ mayEdit }) =>
  h(
    'div',
    { class: 'files-empty' },
    h(Icon, { name: 'clip' }),
    h('b', {}, 'No files yet'),
    h(
      'p',
      {},
      !mayEdit
        ? 'Files that are added to this document are listed here.'
        : hasMouse.matches
          ? 'Drop files here, paste a picture into the text, or choose files from this device.'
          : 'Add pictures and files from this device.',
    ),
  );

/** @param {{ files: Files }} props */
export function FilesPanel({ files }) {
  const { store } = files;
  const panel = useRef(/** @type {HTMLElement | null} */ (null));
  const mayEdit = files.mayEdit.value;
  const uploads = files.uploads.items.value;
  const attachments = store.files.value;
  const problem = store.problem.value;
  const isEmpty = store.loaded.value && attachments.length + uploads.length === 0;
  useCurrentTimes();
  useEffect(() => {
    const root = panel.current;
    if (root && !root.contains(document.activeElement)) root.focus();
  }, []);
  useFocusWithin(panel, [...uploads, ...attachments]);
  return h(
    'section',
    {
      class: 'files-panel',
      role: 'dialog',
      'aria-labelledby': 'files-title',
      tabIndex: -1,
      ref: panel,
      onKeyDown: (/** @type {KeyboardEvent} */ event) => {
        if (event.key !== 'Escape' || event.defaultPrevented) return;
        event.preventDefault();
        files.close();
      },
      onPaste: (/** @type {ClipboardEvent} */ { clipboardData }) => clipboardData && files.takeIntoPanel(clipboardData),
    },
    h(
      'header',
      { class: 'files-head' },
      h('h2', { id: 'files-title' }, 'Files'),
      h(
        'button',
        {
          class: 'icon-button',
          type: 'button',
          'aria-label': 'Close the files',
          title: 'Close',
          onClick: () => files.close(),
        },
        h(Icon, { name: 'close' }),
      ),
    ),
    mayEdit && h(AddFiles, { files }),
    h(
      'div',
      { class: 'files-body' },
      problem &&
        h(
          'div',
          { class: 'form-alert', role: 'alert' },
          problem,
          h('button', { class: 'button', type: 'button', onClick: () => store.load() }, 'Try again'),
        ),
      uploads.length > 0 &&
        h(
          'ul',
          { class: 'files-list', 'aria-label': 'Uploads' },
          uploads.map((upload) => h(UploadRow, { key: upload.key, upload, files })),
        ),
      attachments.length > 0 &&
        h(
          'ul',
          { class: 'files-list', 'aria-label': 'Files of this document' },
          attachments.map((attachment) => h(FileRow, { key: attachment.id, attachment, files })),
        ),
      isEmpty && !problem && h(Empty, { mayEdit }),
      !store.loaded.value && !problem && h('p', { class: 'nothing' }, 'Loading…'),
    ),
    mayEdit &&
      h(
        'footer',
        { class: 'files-foot' },
        h(
          'label',
          {},
          h('input', {
            type: 'checkbox',
            checked: files.clean.value,
            onChange: (/** @type {Event} */ { currentTarget }) =>
              files.cleanPictures(/** @type {HTMLInputElement} */ (currentTarget).checked),
          }),
          'Remove place and camera data from pictures',
        ),
      ),
  );
}
