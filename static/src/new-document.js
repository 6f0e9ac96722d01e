/** Starting a document: at once, of a type, or from a template. */
import { pageOf } from './addresses.js';
import * as api from './api.js';
import { formDialog, openDialog } from './dialog.js';
import { h } from './dom.js';
import { importDialog } from './files.js';
import { icon } from './icons.js';
import { KIND_FIELDS, STARTABLE, TYPES, titleOf } from './kinds.js';
import { bindMenu } from './menu.js';
import { tryTo } from './toast.js';

const go = (doc) => location.assign(`${pageOf(doc.address)}#new`);

export async function startDocument(workspace, { title, type = 'markdown', template } = {}) {
  const doc = await tryTo(() => api.createDocument(workspace.id, template ? { title: titleOf(template), type: template.type, template_id: template.id } : { title, type }));
  if (doc) go(doc);
}

/** A bookmark without its link would be none: it is asked for first. */
const bookmarkDialog = (workspace) => formDialog({
  title: 'New bookmark',
  fields: [...KIND_FIELDS.bookmark, { name: 'title', label: 'Title (optional)', maxlength: 200, autocomplete: 'off' }],
  verb: 'Create bookmark',
  act: async ({ url, title }) => go(await api.createDocument(workspace.id, {
    title: title || url.replace(/^https?:\/\/(www\.)?/, '').replace(/\/$/, '').slice(0, 200), type: 'bookmark', metadata: { url },
  })),
});

export async function templateDialog(workspace) {
  const found = await tryTo(() => api.documents(workspace.id, { template: true, limit: 200 }));
  if (!found) return;
  if (found.items.length === 0) {
    openDialog({
      title: 'No templates yet',
      content: [h('p', { class: 'dialog-intro' }, 'Open the menu of a document that others should start from, and choose “Save as template”.')],
    });
    return;
  }
  const choices = found.items.map((template, index) => h('label', { class: 'choice' },
    h('input', { type: 'radio', name: 'template', value: template.id, checked: index === 0 }),
    h('span', {}, h('b', {}, titleOf(template)), h('span', {}, template.description || template.excerpt || TYPES[template.type]))));
  const fields = [h('fieldset', { class: 'choices' }, h('legend', { class: 'visually-hidden' }, 'Template'), ...choices)];
  await formDialog({
    title: 'New from a template',
    fields,
    verb: 'Use template',
    act: async ({ template: id }) => {
      const template = found.items.find((each) => each.id === id);
      go(await api.createDocument(workspace.id, { title: titleOf(template), type: template.type, template_id: id }));
    },
  });
}

/** @param {() => void} imported called when files have become documents
 * @returns {HTMLButtonElement} the small button beside "New document" */
export function kindsButton(workspace, imported) {
  const button = h('button', { class: 'button primary split', type: 'button', 'aria-label': 'New document of another kind', title: 'Other kinds' }, icon('down'));
  bindMenu(button, () => [
    ...STARTABLE.map(([type, label, note]) => ({ label, note, act: () => (type === 'bookmark' ? bookmarkDialog(workspace) : startDocument(workspace, { type })) })),
    'line',
    { label: 'From a template…', icon: 'template', act: () => templateDialog(workspace) },
    { label: 'Import files…', icon: 'upload', act: async () => { if (await importDialog(workspace)) imported(); } },
  ]);
  return button;
}

