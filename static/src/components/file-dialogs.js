/** Downloads documents as files, and imports files as documents. */
import { pageOf } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { keptFormat } from '../lib/editor-settings.js';
import { formDialog, openDialog } from './dialog.js';
import { $, find, h, setText } from '../lib/dom.js';
import { messageOf } from '../lib/request.js';
import { titleOf } from '../lib/document-types.js';
import { counted } from '../lib/format.js';

/** @import { Doc, ImportedItem, Workspace } from '../lib/types.js' */

/** @type {[string, string, string][]} the name that the server knows, the one that is shown, and a note */
export const FORMATS = [
  ['md', 'Markdown', 'The text as it is written'],
  ['docx', 'Word', 'For word processors'],
  ['pdf', 'PDF', 'Pages to print or to hand on'],
  ['html', 'Web page', 'One file for any browser'],
  ['txt', 'Plain text', 'Without any marks'],
  ['json', 'JSON', 'Text and details, for programs'],
  ['yjs', 'Yjs update', 'The document itself, to import it again'],
];
/** Formats that may have comments. */
const WITH_COMMENTS = new Set(['md', 'docx', 'html', 'json']);
const TAKEN = '.md,.markdown,.txt,.html,.htm,.docx,.yjs,.zip';

/** @param {{ blob: Blob, name: string }} file */
function save({ blob, name }) {
  const address = URL.createObjectURL(blob);
  h('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

/** @param {Doc} doc */
export const downloadDialog = (doc) =>
  formDialog({
    title: `Download “${titleOf(doc)}”`,
    fields: [
      h(
        'fieldset',
        { class: 'choices' },
        h('legend', { class: 'visually-hidden' }, 'Format'),
        ...FORMATS.map(([format, label, note]) =>
          h(
            'label',
            { class: 'choice' },
            h('input', { type: 'radio', name: 'format', value: format, checked: format === keptFormat() }),
            h('span', {}, h('b', {}, label), h('span', {}, note)),
          ),
        ),
      ),
      {
        name: 'comments',
        label: 'With open comments',
        type: 'checkbox',
        value: Boolean(doc.comment_count),
        hint: 'In Markdown, Word, web pages and JSON.',
      },
    ],
    verb: 'Download',
    act: async ({ format, comments }) =>
      save(await api.exported(doc.id, format, WITH_COMMENTS.has(format) ? comments : undefined)),
  });

/**
 * Sends one file after another, so that a file that cannot be read does not stop the others.
 * @param {Workspace} workspace
 * @param {File[]} files
 * @param {(index: number, name: string) => void} tell called before each file
 */
async function importAll(workspace, files, tell) {
  /** @type {ImportedItem[]} */
  const items = [];
  for (const [index, file] of files.entries()) {
    tell(index, file.name);
    try {
      const told = await api.importFile(workspace.id, file);
      items.push(...told.items);
      if (told.notes.length > 0) items.push({ file: file.name, status: 'left out', notes: told.notes });
    } catch (error) {
      items.push({ file: file.name, status: 'failed', detail: messageOf(error) });
    }
  }
  return items;
}

/** @param {ImportedItem[]} items */
function outcome(items) {
  const made = items.filter(({ status }) => status === 'created');
  const failed = items.filter(({ status }) => status === 'failed');
  const noted = items.filter(({ notes = [] }) => notes.length > 0);
  const dialog = openDialog({
    title: failed.length > 0 ? 'Not everything was imported' : noted.length > 0 ? 'Imported, with notes' : 'Imported',
    content: [
      h(
        'p',
        { class: 'dialog-intro' },
        `${counted(made.length, 'document')} made${failed.length > 0 ? `, ${counted(failed.length, 'file')} could not be read` : ''}.`,
      ),
      failed.length > 0 &&
        h(
          'ul',
          { class: 'lines', 'aria-label': 'Could not be read' },
          ...failed
            .slice(0, 50)
            .map(({ file, detail }) =>
              h('li', { class: 'line' }, h('div', { class: 'line-text' }, h('b', {}, file), h('p', {}, detail))),
            ),
        ),
      noted.length > 0 &&
        h(
          'ul',
          { class: 'lines', 'aria-label': 'Left out or changed' },
          ...noted
            .slice(0, 50)
            .map(({ file, document, notes = [] }) =>
              h(
                'li',
                { class: 'line' },
                h(
                  'div',
                  { class: 'line-text' },
                  h('b', {}, document?.title ?? file),
                  ...notes.map((note) => h('p', {}, note)),
                ),
              ),
            ),
        ),
      made.length > 0 &&
        h(
          'ul',
          { class: 'lines', 'aria-label': 'Imported documents' },
          ...made
            .slice(0, 50)
            .map(({ document }) =>
              h('li', { class: 'line' }, document && h('a', { href: pageOf(document.address) }, document.title)),
            ),
        ),
      h(
        'div',
        { class: 'actions' },
        h('button', { class: 'button primary', type: 'button', onclick: () => dialog.close() }, 'Done'),
      ),
    ],
  });
  find(dialog.element, '.actions button')?.focus();
  return dialog.closed;
}

/**
 * Asks for files and imports them.
 * @param {Workspace} workspace
 * @returns {Promise<boolean>} whether documents were created
 */
export async function importDialog(workspace) {
  const input = h('input', {
    id: 'files-input',
    name: 'files',
    type: 'file',
    multiple: true,
    required: true,
    accept: TAKEN,
    'aria-describedby': 'files-hint',
  });
  const bar = h('progress', { max: 1, value: 0, hidden: true, 'aria-label': 'Files imported' });
  const said = h('p', { class: 'hint', role: 'status' });
  /** @type {ImportedItem[] | null} */
  const items = await formDialog({
    title: `Import into ${workspace.name}`,
    fields: [
      h(
        'div',
        { class: 'field' },
        h('label', { for: 'files-input' }, 'Files'),
        input,
        h(
          'p',
          { class: 'hint', id: 'files-hint' },
          'Markdown, text, web pages, Word documents, or a zip of them, such as a downloaded workspace.',
        ),
      ),
      bar,
      said,
    ],
    verb: 'Import',
    act: () =>
      importAll(workspace, [...(input.files ?? [])], (index, name) => {
        bar.hidden = false;
        bar.max = input.files?.length ?? 0;
        bar.value = index;
        setText(said, `${name} (${index + 1} of ${bar.max})`);
      }),
  });
  if (items === null) return false;
  const made = items.some(({ status }) => status === 'created');
  setText($('announcer'), made ? 'Documents were imported' : 'Nothing was imported');
  await outcome(items);
  return made;
}
