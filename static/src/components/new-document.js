/** Creates documents: an empty one, one of a type, or one from a template. */
import { pageOf } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { formDialog, openDialog } from './dialog.js';
import { h } from '../lib/dom.js';
import { ownMode } from '../lib/editor-mode.js';
import { importDialog } from './file-dialogs.js';
import { icon } from './icons.js';
import { METADATA_FIELDS, STARTABLE, TYPES, titleOf } from '../lib/document-types.js';
import { bindMenu } from './menu.js';
import { tryTo } from './toast.js';

/** @import { Items } from './menu.js' */
/** @import { Doc, Workspace } from '../lib/types.js' */

/** @param {Doc} doc */
const open = (doc) => location.assign(`${pageOf(doc.address)}#new`);

/**
 * Creates a document and opens it.
 * @param {Workspace} workspace
 * @param {{ title?: string, type?: string, isRich?: boolean }} [options] without a type, it is as the person likes to write
 */
export async function startDocument(workspace, { title, type, isRich } = {}) {
  const mode = type ? 'edit' : isRich ? 'wysiwyg' : await ownMode();
  const rich = mode === 'wysiwyg' ? { rich_text: true, settings: { editor_mode: mode } } : {};
  const doc = await tryTo(() => api.createDocument(workspace.id, { title, type: type ?? 'markdown', ...rich }));
  if (doc) open(doc);
}

/**
 * A bookmark needs a link, which is asked for first.
 * @param {Workspace} workspace
 */
const bookmarkDialog = (workspace) =>
  formDialog({
    title: 'New bookmark',
    fields: [
      ...METADATA_FIELDS.bookmark,
      { name: 'title', label: 'Title (optional)', maxlength: 200, autocomplete: 'off' },
    ],
    verb: 'Create bookmark',
    act: async ({ url, title }) =>
      open(
        await api.createDocument(workspace.id, {
          title:
            title ||
            url
              .replace(/^https?:\/\/(www\.)?/, '')
              .replace(/\/$/, '')
              .slice(0, 200),
          type: 'bookmark',
          metadata: { url },
        }),
      ),
  });

/** @param {Workspace} workspace */
async function templateDialog(workspace) {
  const found = await tryTo(() => api.documents(workspace.id, { template: true, limit: 200 }));
  if (!found) return;
  if (found.items.length === 0) {
    openDialog({
      title: 'No templates yet',
      content: [
        h(
          'p',
          { class: 'dialog-intro' },
          'Open the menu of a document that others should start from, and choose “Save as template”.',
        ),
      ],
    });
    return;
  }
  const choices = found.items.map((template, index) =>
    h(
      'label',
      { class: 'choice' },
      h('input', { type: 'radio', name: 'template', value: template.id, checked: index === 0 }),
      h(
        'span',
        {},
        h('b', {}, titleOf(template)),
        h('span', {}, template.description || template.excerpt || TYPES[template.type]),
      ),
    ),
  );
  const fields = [
    h('fieldset', { class: 'choices' }, h('legend', { class: 'visually-hidden' }, 'Template'), ...choices),
  ];
  await formDialog({
    title: 'New from a template',
    fields,
    verb: 'Use template',
    act: async ({ template: id }) => {
      const template = found.items.find((each) => each.id === id);
      if (!template) return;
      open(await api.createDocument(workspace.id, { title: titleOf(template), type: template.type, template_id: id }));
    },
  });
}

/**
 * The kinds of documents that can be created, as entries of a menu.
 * @param {Workspace} workspace
 * @param {() => void} onImported called when documents were created of files
 * @returns {Items}
 */
export const kindItems = (workspace, onImported) => [
  {
    label: 'Rich text',
    note: 'Formats, tables and pictures in place',
    act: () => startDocument(workspace, { isRich: true }),
  },
  ...STARTABLE.map(([type, label, note]) => ({
    label,
    note,
    act: () => (type === 'bookmark' ? bookmarkDialog(workspace) : startDocument(workspace, { type })),
  })),
  'line',
  { label: 'From a template…', icon: 'template', act: () => templateDialog(workspace) },
  {
    label: 'Import files…',
    icon: 'upload',
    act: async () => {
      if (await importDialog(workspace)) onImported();
    },
  },
];

/**
 * Makes the small button beside "New document".
 * @param {Workspace} workspace
 * @param {() => void} onImported called when documents were created of files
 */
export function kindsButton(workspace, onImported) {
  const button = h(
    'button',
    {
      class: 'button primary split',
      type: 'button',
      'aria-label': 'New document of another kind',
      title: 'Other kinds',
    },
    icon('down'),
  );
  bindMenu(button, () => kindItems(workspace, onImported));
  return button;
}
