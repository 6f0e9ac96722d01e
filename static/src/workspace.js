/** The settings of a workspace. */
import { workspacePage } from './addresses.js';
import * as api from './api.js';
import { confirmDialog, formDialog } from './dialog.js';
import { $, h } from './dom.js';
import { memory } from './identity.js';
import { sized } from './prose.js';
import { clock } from './rows.js';
import { deed, pagedList, section, settingsForm, showSections } from './settings.js';
import { enter, showFailure } from './shell.js';
import { bindSwitcher, colourField } from './switcher.js';
import { toast, tryTo } from './toast.js';
import { invitationsSection, membersSection } from './workspace-members.js';

const may = (workspace, permission) => workspace.permissions.includes(permission);
const settingsOf = (workspace) => `${workspacePage(workspace)}/settings`;

function general(workspace) {
  return section('General', null, settingsForm([
    { name: 'name', label: 'Name', value: workspace.name, required: true, maxlength: 100, autocomplete: 'off' },
    { name: 'slug', label: 'Address', value: workspace.slug, required: true, maxlength: 63, pattern: '[a-z0-9]+(-[a-z0-9]+)*', title: 'Small letters and digits, with single hyphens between them', autocomplete: 'off', spellcheck: 'false', hint: `Its pages are at ${location.origin}/w/… Links with the old address stop working.` },
    { name: 'description', label: 'Description', type: 'textarea', value: workspace.description, maxlength: 1000 },
    colourField({ value: workspace.color }),
  ], async (values) => {
    const change = Object.fromEntries(Object.entries(values)
      .map(([name, value]) => [name, value || null]).filter(([name, value]) => value !== (workspace[name] ?? null)));
    if (Object.keys(change).length === 0) return;
    Object.assign(workspace, await api.changeWorkspace(workspace.id, change, workspace.row_version));
    history.replaceState(null, '', settingsOf(workspace));
    $('switcher').querySelector('.switcher-name').textContent = workspace.name;
  }));
}


const files = (workspace) => section('Files', null, deed(
  'Download everything',
  'A zip of all documents, as Markdown to read and as they are to import them again.',
  'Download',
  () => location.assign(api.workspaceArchive(workspace.id)),
));

async function usage(workspace) {
  const used = await api.usage(workspace.id).catch(() => null);
  if (!used) return null;
  const facts = [
    ['Documents', `${used.documents}${used.deleted_documents ? `, and ${used.deleted_documents} in the trash` : ''}`],
    ['Members', used.member_limit ? `${used.members} of ${used.member_limit}` : String(used.members)],
    ['Storage', `${sized(used.storage_used_bytes)}${used.storage_limit_bytes ? ` of ${sized(used.storage_limit_bytes)}` : ''}`],
  ];
  return section('Usage', null, h('dl', { class: 'facts' }, ...facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])));
}

const DEEDS = { insert: 'added', update: 'changed', delete: 'removed', create: 'added', restore: 'restored', archive: 'archived' };
const worded = (text) => text.replaceAll('_', ' ');

/** What an event is about, by the values it carries: a title, a name, an address. */
function subject({ data, entity_name: name }) {
  const values = { ...data?.old, ...data?.new, ...data };
  return name ?? values.title ?? values.name ?? values.email ?? values.user_name ?? '';
}

/** @returns {string} such as "role: viewer → editor" for plain values that changed */
function changes({ changed_fields: fields, data }) {
  const plain = (value) => (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null);
  return (fields ?? []).map((name) => {
    const [before, now] = [plain(data?.old?.[name]), plain(data?.new?.[name])];
    return before !== null && now !== null && before.length + now.length < 60 ? `${worded(name)}: ${before} → ${now}` : worded(name);
  }).join(', ');
}

function activity(workspace) {
  const list = pagedList({
    label: 'Activity',
    empty: 'Nothing has happened yet.',
    load: (cursor) => api.activity(workspace.id, { cursor, limit: 20 }),
    row: (event) => h('li', { class: 'line' }, h('div', { class: 'line-text' },
      h('p', { class: 'event' }, h('b', {}, event.actor?.name ?? 'The server'), ` ${DEEDS[event.action] ?? worded(event.action)} `,
        worded(event.entity_type), subject(event) && [' ', h('b', {}, subject(event))]),
      h('p', {}, clock(event.at), changes(event) && ` · ${changes(event)}`))),
  });
  list.reload();
  return section('Activity', null, list.element);
}

async function after(act, text) {
  const done = await tryTo(act);
  if (done === undefined) return;
  sessionStorage.setItem('said', text);
  location.reload();
}

async function transferDialog(workspace, who) {
  const { items } = (await tryTo(() => api.members(workspace.id, { limit: 200 }))) ?? { items: [] };
  const others = items.filter(({ user_id: id, is_active: active }) => id !== who.id && active !== false);
  if (others.length === 0) {
    toast('There is nobody else in this workspace.');
    return;
  }
  const done = await formDialog({
    title: 'Hand over this workspace',
    intro: 'The new owner decides about it from then on. You stay as an admin.',
    fields: [{ name: 'user', label: 'New owner', type: 'select', value: others[0].user_id, options: others.map((each) => [each.user_id, each.display_name || each.email]) }],
    verb: 'Hand over',
    danger: true,
    act: ({ user }) => api.transferWorkspace(workspace.id, user),
  });
  if (done) location.reload();
}

function lasting(workspace, who) {
  const owner = workspace.role === 'owner';
  const personal = workspace.kind === 'personal';
  const deeds = [
    may(workspace, 'can_manage_workspace') && (workspace.archived_at
      ? deed('Archived', 'Its documents can be read, not changed.', 'Unarchive', () => after(() => api.unarchiveWorkspace(workspace.id), 'Unarchived.'))
      : deed('Archive', 'Everything stays readable; nothing can be changed until it is unarchived.', 'Archive', () => after(() => api.archiveWorkspace(workspace.id), 'Archived.'))),
    owner && !personal && deed('Hand over', 'Make another member the owner.', 'Hand over…', () => transferDialog(workspace, who)),
    !owner && deed('Leave', 'You lose access to its documents.', 'Leave…', async () => {
      const left = await confirmDialog({ title: `Leave ${workspace.name}?`, text: 'Only an invitation brings you back.', verb: 'Leave', act: () => api.removeMember(workspace.id, who.id) });
      if (left) location.assign('/');
    }, true),
    owner && !personal && deed('Delete', 'Nobody can open it any more. You can restore it from your account page for a while.', 'Delete…', async () => {
      const gone = await confirmDialog({ title: `Delete ${workspace.name}?`, text: 'Its documents close for everybody. You can restore it from your account page.', verb: 'Delete workspace', act: () => api.deleteWorkspace(workspace.id) });
      if (gone) {
        memory.set('workspace', null);
        location.assign('/');
      }
    }, true),
  ];
  return section('Lasting changes', null, ...deeds);
}

function showDeleted(workspace) {
  showSections(workspace.name, [section('This workspace was deleted', null, deed('Restore', 'It comes back with its documents and members.', 'Restore', async () => {
    if (await tryTo(() => api.restoreWorkspace(workspace.id))) location.reload();
  }))]);
}

async function start() {
  const who = await enter({ account: true });
  if (!who) return;
  const slug = decodeURIComponent(location.pathname.split('/')[2]);
  const at = (each) => each.slug === slug || each.id === slug;
  const { items } = await api.workspaces();
  const listed = items.find(at);
  if (!listed) {
    const deleted = (await api.workspaces({ deleted: true })).items.find(at);
    if (deleted?.deleted_at) showDeleted(deleted);
    else showFailure({ status: 404 });
    return;
  }
  const workspace = await api.workspace(listed.id);
  bindSwitcher($('bar'), workspace, items);
  const manages = may(workspace, 'can_manage_workspace') && !workspace.archived_at;
  showSections('Workspace', [
    manages && general(workspace),
    membersSection(workspace, who),
    may(workspace, 'can_invite_members') && !workspace.archived_at && invitationsSection(workspace),
    await usage(workspace),
    may(workspace, 'can_manage_workspace') && files(workspace),
    may(workspace, 'can_manage_workspace') && activity(workspace),
    lasting(workspace, who),
  ]);
  $('heading').before(h('a', { class: 'back', href: workspacePage(workspace) }, '← Documents'));
  const said = sessionStorage.getItem('said');
  if (said) toast(said);
  sessionStorage.removeItem('said');
}

start().catch((error) => showFailure(error));
