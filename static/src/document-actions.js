/** What can be done to a document from its menu: rename, tag, describe, copy, move, throw away. */
import { pageOf } from './addresses.js';
import * as api from './api.js';
import { downloadDialog } from './files.js';
import { clock } from './rows.js';
import { confirmDialog, copied, formDialog } from './dialog.js';
import { h } from './dom.js';
import { field } from './form.js';
import { KIND_FIELDS, PRIORITIES, STATUSES, TYPES, mayDelete, mayEdit, titleOf } from './kinds.js';
import { counted } from './prose.js';
import { toast, tryTo } from './toast.js';

const tagsIn = (text) => [...new Set(text.split(',').map((name) => name.trim()).filter(Boolean))];
const sameTags = (a, b) => a.length === b.length && a.every((name, index) => name === b[index]);

async function tagField(doc) {
  const known = (await api.tags(doc.workspace_id).catch(() => ({ items: [] }))).items;
  const input = h('input', {
    id: 'tags-input', name: 'tags', type: 'text', autocomplete: 'off', value: (doc.tags ?? []).map(({ name }) => name).join(', '), 'aria-describedby': 'tags-hint',
  });
  const suggestions = h('div', { class: 'suggestions', role: 'group', 'aria-label': 'Tags of this workspace' });
  const show = () => {
    const used = tagsIn(input.value).map((name) => name.toLocaleLowerCase());
    suggestions.replaceChildren(...known.filter(({ name }) => !used.includes(name.toLocaleLowerCase())).slice(0, 12).map(({ name }) => h('button', {
      class: 'chip',
      type: 'button',
      'aria-label': `Add tag ${name}`,
      onclick: () => {
        input.value = [...tagsIn(input.value), name].join(', ');
        show();
        input.focus();
      },
    }, name)));
  };
  input.addEventListener('input', show);
  show();
  return h('div', { class: 'field' }, h('label', { for: 'tags-input' }, 'Tags'), input,
    h('p', { class: 'hint', id: 'tags-hint' }, 'Separated by commas. A new name makes a new tag.'), suggestions);
}

async function saveTags(doc, text) {
  const wanted = tagsIn(text);
  return sameTags(wanted, (doc.tags ?? []).map(({ name }) => name)) ? doc : api.setTags(doc.id, wanted);
}

export async function tagsDialog(doc) {
  const input = await tagField(doc);
  return formDialog({ title: `Tags of “${titleOf(doc)}”`, fields: [input], verb: 'Save', act: ({ tags }) => saveTags(doc, tags) });
}

export const renameDialog = (doc) => formDialog({
  title: 'Rename document',
  fields: [{ name: 'title', label: 'Title', value: titleOf(doc), required: true, maxlength: 200, autocomplete: 'off' }],
  verb: 'Rename',
  act: ({ title }) => api.rename(doc.id, title),
});

/** @returns {Promise<object | null>} the changed document */
export async function detailsDialog(known) {
  const doc = await tryTo(() => api.document(known.id));
  if (!doc) return null;
  const categories = (await api.categories(doc.workspace_id).catch(() => ({ items: [] }))).items;
  const fixed = !mayEdit(doc);
  const facts = [
    ['Type', TYPES[doc.type] ?? doc.type],
    ['Created', [clock(doc.created_at), doc.created_by ? ` by ${doc.created_by.name}` : '']],
    ['Changed', [clock(doc.last_edited_at ?? doc.updated_at), doc.updated_by ? ` by ${doc.updated_by.name}` : '']],
    ['Length', doc.word_count == null ? 'Not counted yet' : counted(doc.word_count, 'word')],
    doc.view_count != null && ['Opened', counted(doc.view_count, 'time')],
    ['Address', h('code', {}, doc.address)],
  ].filter(Boolean);
  const list = h('dl', { class: 'facts' }, ...facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, ...[value].flat())]));
  const own = (KIND_FIELDS[doc.type] ?? []).map((each) => {
    const value = doc.metadata?.[each.name] ?? '';
    return { ...each, name: `of-${each.name}`, value: each.type === 'date' ? value.slice(0, 10) : value, disabled: fixed };
  });
  const select = (name, label, options) => ({ name, label, type: 'select', value: doc[name] ?? '', options, disabled: fixed });
  return formDialog({
    title: 'Details',
    fields: [
      list,
      ...own,
      { name: 'description', label: 'Description', type: 'textarea', value: doc.description ?? '', maxlength: 2000, disabled: fixed },
      h('div', { class: 'field-row' },
        ...[select('status', 'Status', Object.entries(STATUSES)), select('priority', 'Priority', Object.entries(PRIORITIES))].map(field)),
      ...(categories.length > 0 ? [select('category_id', 'Category', [['', 'None'], ...categories.map(({ id, name }) => [id, name])])] : []),
      ...(fixed ? [] : [await tagField(doc)]),
    ],
    verb: fixed ? 'Close' : 'Save',
    act: async ({ tags, ...given }) => {
      if (fixed) return doc;
      const wanted = Object.fromEntries(Object.entries(given).filter(([name]) => !name.startsWith('of-')));
      wanted.description = given.description || null;
      if ('category_id' in given) wanted.category_id = given.category_id || null;
      const change = Object.fromEntries(Object.entries(wanted).filter(([name, value]) => value !== (doc[name] ?? null)));
      const metadata = { ...doc.metadata };
      for (const { name } of KIND_FIELDS[doc.type] ?? []) {
        if (given[`of-${name}`] === '') delete metadata[name];
        else metadata[name] = given[`of-${name}`];
      }
      if (JSON.stringify(metadata) !== JSON.stringify(doc.metadata ?? {})) change.metadata = metadata;
      const changed = Object.keys(change).length > 0 ? await api.changeDocument(doc.id, change) : doc;
      return saveTags(changed, tags);
    },
  });
}

export async function moveDialog(doc, workspaces) {
  const targets = workspaces.filter(({ id, can_create: may, archived_at: archived }) => id !== doc.workspace_id && may && !archived);
  if (targets.length === 0) {
    toast('There is no other workspace in which you may create documents.');
    return null;
  }
  return formDialog({
    title: `Move “${titleOf(doc)}”`,
    intro: 'Its people change with it: only members of the new workspace can open it there.',
    fields: [{ name: 'workspace', label: 'To workspace', type: 'select', value: targets[0].id, options: targets.map(({ id, name }) => [id, name]) }],
    verb: 'Move',
    act: ({ workspace }) => api.move(doc.id, workspace),
  });
}

export const destroyDialog = (doc) => confirmDialog({
  title: `Delete “${titleOf(doc)}” forever?`,
  text: 'Its text and history are removed. Nobody can bring them back.',
  verb: 'Delete forever',
  act: () => api.deleteForever(doc.id),
});

/** @param {() => void} [undone] called after the document was brought back */
export async function throwAway(doc, undone) {
  if ((await tryTo(async () => (await api.trash(doc.id), true))) === undefined) return false;
  toast(`“${titleOf(doc)}” is in the trash.`, {
    verb: 'Undo',
    act: async () => { if (await tryTo(() => api.restore(doc.id))) undone?.(); },
  });
  return true;
}

/**
 * The items of a document's menu.
 * @param {object} doc
 * @param {{workspaces: () => object[], changed: (doc: object) => void, gone: (id: string) => void, back: () => void,
 *   made: (doc: object) => void}} on changed: the document is different now; gone: it left this list; made: a copy exists
 */
export function documentMenu(doc, on) {
  const then = (act, next) => async () => {
    const result = await act();
    if (result) next(result);
  };
  const copy = (options, text) => then(() => tryTo(() => api.duplicate(doc.id, options)), (made) => {
    toast(text, { verb: 'Open', act: () => location.assign(pageOf(made.address)) });
    on.made(made);
  });
  const home = on.workspaces().find(({ id }) => id === doc.workspace_id);
  const edits = mayEdit(doc);
  return [
    edits && { label: 'Rename…', icon: 'pencil', act: then(() => renameDialog(doc), on.changed) },
    edits && { label: 'Tags…', icon: 'tag', act: then(() => tagsDialog(doc), on.changed) },
    { label: edits ? 'Details…' : 'Details', icon: 'info', act: then(() => detailsDialog(doc), on.changed) },
    {
      label: 'Copy link',
      icon: 'link',
      act: async () => toast((await copied(location.origin + pageOf(doc.address))) ? 'Link copied.' : 'The browser refused to copy.'),
    },
    doc.type !== 'password' && { label: 'Download…', icon: 'download', act: () => downloadDialog(doc) },
    (home?.can_create || edits) && 'line',
    home?.can_create && { label: 'Duplicate', icon: 'copy', act: copy({}, `A copy of “${titleOf(doc)}” was made.`) },
    home?.can_create && !doc.is_template && {
      label: 'Save as template', icon: 'template', act: copy({ as_template: true, title: titleOf(doc) }, 'Saved as a template.'),
    },
    mayDelete(doc) && { label: 'Move to…', icon: 'move', act: then(() => moveDialog(doc, on.workspaces()), () => on.gone(doc.id)) },
    mayDelete(doc) && 'line',
    mayDelete(doc) && { label: 'Move to trash', icon: 'trash', danger: true, act: then(() => throwAway(doc, on.back), () => on.gone(doc.id)) },
  ].filter(Boolean);
}

