/** The members of a workspace, in its settings. */
import { h, render } from 'preact';
import { useRef } from 'preact/hooks';
import * as api from '../lib/api.js';
import { debounced, h as element } from '../lib/dom.js';
import { messageOf } from '../lib/request.js';
import { roleName, roleOptions } from '../lib/roles.js';
import { confirmDialog, formDialog } from './dialog.js';
import { Avatar, Badge, MenuButton, Time, useCurrentTimes } from './elements.js';
import { useKeptFocus } from './keep-focus.js';
import { section } from './settings.js';
import { toast, tryTo } from './toast.js';

/** @import { CurrentUser, Member, Workspace } from '../lib/types.js' */
/** @import { MemberStore } from '../stores/members.js' */
/** @import { Items } from './menu.js' */

const SEARCH_DELAY = 200;

/** @type {Record<string, string>} */
const PERMISSIONS = {
  can_read: 'Read documents',
  can_comment: 'Comment',
  can_create_documents: 'Create documents',
  can_edit_documents: 'Edit documents',
  can_delete_documents: 'Delete documents',
  can_invite_members: 'Invite people',
  can_manage_workspace: 'Manage the workspace',
};

/** @param {Member} member */
const nameOf = (member) => member.display_name || member.email;

/** @typedef {{ workspace: Workspace, user: CurrentUser, store: MemberStore }} Context */

/**
 * Asks for the permissions that a member has beside those of the role.
 * @param {Workspace} workspace
 * @param {Member} member
 * @returns {Promise<Member | null>} null when dismissed
 */
function permissionsDialog(workspace, member) {
  const given = member.permissions ?? {};
  return formDialog({
    title: `Permissions of ${nameOf(member)}`,
    intro: `The role of ${member.role} has its permissions. Each one can be allowed or forbidden here.`,
    fields: Object.entries(PERMISSIONS).map(([name, label]) => ({
      name,
      label,
      type: 'select',
      value: name in given ? String(given[name]) : '',
      options: [
        ['', 'As in the role'],
        ['true', 'Allowed'],
        ['false', 'Not allowed'],
      ],
    })),
    verb: 'Save',
    act: (values) => {
      const chosen = Object.entries(values).filter(([, value]) => value !== '');
      return api.changeMember(workspace.id, member.user_id, {
        permissions: Object.fromEntries(chosen.map(([name, value]) => [name, value === 'true'])),
      });
    },
  });
}

/**
 * @param {Context} context
 * @param {Member} member
 * @param {object} change
 */
async function changeMember({ workspace, store }, member, change) {
  const changed = await tryTo(() => api.changeMember(workspace.id, member.user_id, change));
  if (changed) store.replace({ ...member, ...changed });
  else await store.load();
  return changed;
}

/**
 * @param {Context} context
 * @param {Member} member
 * @returns {Items}
 */
function menuOf(context, member) {
  const { workspace, store } = context;
  const isActive = member.is_active !== false;
  return [
    {
      label: 'Permissions…',
      icon: 'key',
      act: async () => {
        const changed = await permissionsDialog(workspace, member);
        if (changed) store.replace({ ...member, ...changed });
      },
    },
    {
      label: isActive ? 'Suspend' : 'Restore access',
      icon: 'restore',
      act: () => changeMember(context, member, { is_active: !isActive }),
    },
    {
      label: 'Remove…',
      icon: 'trash',
      danger: true,
      act: async () => {
        const isRemoved = await confirmDialog({
          title: `Remove ${nameOf(member)}?`,
          text: 'They lose access at once, and their open documents close. Their text stays.',
          verb: 'Remove',
          act: () => api.removeMember(workspace.id, member.user_id),
        });
        if (isRemoved) store.remove(member.user_id);
      },
    },
  ];
}

/** @param {{ context: Context, member: Member }} props */
function RoleSelect({ context, member }) {
  const onChange = async (/** @type {Event} */ event) => {
    const role = /** @type {HTMLSelectElement} */ (event.target).value;
    if (await changeMember(context, member, { role })) toast(`${nameOf(member)} is ${role} now.`);
  };
  return h(
    'select',
    { class: 'small', 'aria-label': `Role of ${nameOf(member)}`, value: member.role, onChange },
    roleOptions().map(([key]) => h('option', { key, value: key }, roleName(key))),
  );
}

/** @param {{ context: Context, member: Member }} props */
function MemberRow({ context, member }) {
  const { workspace, user } = context;
  const isOwn = member.user_id === user.id;
  const isFixed = !workspace.permissions.includes('can_manage_workspace') || member.role === 'owner' || isOwn;
  const hasOwnPermissions = Object.keys(member.permissions ?? {}).length > 0;
  return h(
    'li',
    { class: 'line', 'data-id': member.user_id },
    h(Avatar, { name: nameOf(member), picture: member.avatar_url }),
    h(
      'div',
      { class: 'line-text' },
      h(
        'b',
        {},
        nameOf(member),
        isOwn && h(Badge, { text: 'You' }),
        member.is_active === false && h(Badge, { text: 'Suspended' }),
        hasOwnPermissions && h(Badge, { text: 'Own permissions' }),
      ),
      h('p', {}, member.email, member.joined_at && [' · ', h(Time, { at: member.joined_at, before: 'joined ' })]),
    ),
    isFixed ? h('span', { class: 'role' }, roleName(member.role)) : h(RoleSelect, { context, member }),
    isFixed
      ? h('span', { class: 'icon-gap' })
      : h(MenuButton, { label: `Actions for ${nameOf(member)}`, items: () => menuOf(context, member) }),
  );
}

/** @param {{ context: Context }} props */
function MemberList({ context }) {
  const { store } = context;
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  useKeptFocus(list);
  useCurrentTimes();
  const members = store.items.value;
  return [
    h(
      'ul',
      { class: 'lines', 'aria-label': 'Members', hidden: members.length === 0, ref: list },
      members.map((member) => h(MemberRow, { key: member.user_id, context, member })),
    ),
    store.loaded.value && members.length === 0 && h('p', { class: 'nothing' }, 'No member has this name.'),
    store.cursor.value !== null &&
      h('button', { class: 'button small', type: 'button', onClick: () => store.loadMore() }, 'Load more'),
  ];
}

/**
 * @param {Workspace} workspace
 * @param {CurrentUser} user
 * @param {MemberStore} store
 */
export function membersSection(workspace, user, store) {
  const failed = element('p', { class: 'form-alert', role: 'alert', hidden: true });
  store.onError = (error, quiet) => {
    const message = messageOf(error);
    if (quiet) return;
    failed.textContent = message;
    failed.hidden = false;
  };
  const find = element('input', {
    type: 'search',
    'aria-label': 'Find members',
    placeholder: 'Find by name or e-mail',
    autocomplete: 'off',
  });
  find.addEventListener(
    'input',
    debounced(SEARCH_DELAY, () => {
      failed.hidden = true;
      store.find(find.value.trim());
    }),
  );
  const root = element('div');
  render(h(MemberList, { context: { workspace, user, store } }), root);
  store.load();
  const limit = workspace.member_limit
    ? `${workspace.member_count} of ${workspace.member_limit} places are taken.`
    : null;
  return section('Members', limit, element('div', { class: 'field' }, find), root, failed);
}
