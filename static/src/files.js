/** Documents as files: downloading one, and making documents of files. */
import { pageOf } from './addresses.js';
import * as api from './api.js';
import { formDialog, openDialog } from './dialog.js';
import { $, h, setText } from './dom.js';
import { titleOf } from './kinds.js';
import { counted } from './prose.js';

const FORMATS = [
  ['md', 'Markdown', 'The text as it is written'],
  ['docx', 'Word', 'For word processors'],
  ['pdf', 'PDF', 'Pages to print or to hand on'],
  ['html', 'Web page', 'One file for any browser'],
  ['txt', 'Plain text', 'Without any marks'],
  ['json', 'JSON', 'Text and details, for programs'],
  ['yjs', 'Yjs update', 'The document itself, to import it again'],
];
const TAKEN = '.md,.markdown,.txt,.html,.htm,.docx,.yjs,.zip';

function save({ blob, name }) {
  const address = URL.createObjectURL(blob);
  h('a', { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60000);
}

export const downloadDialog = (doc) => formDialog({
  title: `Download “${titleOf(doc)}”`,
  fields: [h('fieldset', { class: 'choices' }, h('legend', { class: 'visually-hidden' }, 'Format'),
    ...FORMATS.map(([format, label, note], index) => h('label', { class: 'choice' },
      h('input', { type: 'radio', name: 'format', value: format, checked: index === 0 }),
      h('span', {}, h('b', {}, label), h('span', {}, note)))))],
  verb: 'Download',
  act: async ({ format }) => save(await api.exported(doc.id, format)),
});

/** Sends one file after another, so that one that cannot be read costs the others nothing. */
async function importAll(workspace, files, tell) {
  const items = [];
  for (const [index, file] of files.entries()) {
    tell(index, file.name);
    try {
      const told = await api.importFile(workspace.id, file);
      items.push(...told.items);
      if (told.notes.length > 0) items.push({ file: file.name, status: 'left out', notes: told.notes });
    } catch (error) {
      if (error.status === undefined) throw error;
      items.push({ file: file.name, status: 'failed', detail: error.message });
    }
  }
  return items;
}

function outcome(items) {
  const made = items.filter(({ status }) => status === 'created');
  const failed = items.filter(({ status }) => status === 'failed');
  const noted = items.filter(({ notes }) => notes?.length > 0);
  const dialog = openDialog({
    title: failed.length > 0 ? 'Not everything was imported' : noted.length > 0 ? 'Imported, with notes' : 'Imported',
    content: [
      h('p', { class: 'dialog-intro' }, `${counted(made.length, 'document')} made${failed.length > 0 ? `, ${counted(failed.length, 'file')} could not be read` : ''}.`),
      failed.length > 0 && h('ul', { class: 'lines', 'aria-label': 'Could not be read' }, ...failed.slice(0, 50).map(({ file, detail }) => h('li', { class: 'line' },
        h('div', { class: 'line-text' }, h('b', {}, file), h('p', {}, detail))))),
      noted.length > 0 && h('ul', { class: 'lines', 'aria-label': 'Left out or changed' }, ...noted.slice(0, 50).map(({ file, document, notes }) => h('li', { class: 'line' },
        h('div', { class: 'line-text' }, h('b', {}, document?.title ?? file), ...notes.map((note) => h('p', {}, note)))))),
      made.length > 0 && h('ul', { class: 'lines', 'aria-label': 'Imported documents' }, ...made.slice(0, 50).map(({ document }) => h('li', { class: 'line' },
        h('a', { href: pageOf(document.address) }, document.title)))),
      h('div', { class: 'actions' }, h('button', { class: 'button primary', type: 'button', onclick: () => dialog.close() }, 'Done')),
    ].filter(Boolean),
  });
  dialog.element.querySelector('.actions button').focus();
  return dialog.closed;
}

/** @returns {Promise<boolean>} whether documents were made */
export async function importDialog(workspace) {
  const input = h('input', { id: 'files-input', name: 'files', type: 'file', multiple: true, required: true, accept: TAKEN, 'aria-describedby': 'files-hint' });
  const bar = h('progress', { max: 1, value: 0, hidden: true, 'aria-label': 'Files imported' });
  const said = h('p', { class: 'hint', role: 'status' });
  const items = await formDialog({
    title: `Import into ${workspace.name}`,
    fields: [
      h('div', { class: 'field' }, h('label', { for: 'files-input' }, 'Files'), input,
        h('p', { class: 'hint', id: 'files-hint' }, 'Markdown, text, web pages, Word documents, or a zip of them, such as a downloaded workspace.')),
      bar, said,
    ],
    verb: 'Import',
    act: () => importAll(workspace, [...input.files], (index, name) => {
      bar.hidden = false;
      bar.max = input.files.length;
      bar.value = index;
      setText(said, `${name} (${index + 1} of ${input.files.length})`);
    }),
  });
  if (items === null) return false;
  const made = items.some(({ status }) => status === 'created');
  setText($('announcer'), made ? 'Documents were imported' : 'Nothing was imported');
  await outcome(items);
  return made;
}
