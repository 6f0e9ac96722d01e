/** Members and invitations in a workspace's settings. */
import * as api from './api.js';
import { confirmDialog, formDialog } from './dialog.js';
import { debounced, h } from './dom.js';
import { inviteDialog, roleOptions, tellInvited } from './invitations-dialog.js';
import { moreButton } from './menu.js';
import { initials } from './prose.js';
import { clock } from './rows.js';
import { pagedList, section } from './settings.js';
import { roleName } from './switcher.js';
import { toast, tryTo } from './toast.js';

export const PERMISSIONS = {
  can_read: 'Read documents', can_comment: 'Comment', can_create_documents: 'Create documents', can_edit_documents: 'Edit documents',
  can_delete_documents: 'Delete documents', can_invite_members: 'Invite people', can_manage_workspace: 'Manage the workspace',
};

const nameOf = (member) => member.display_name || member.email;

function overridesDialog(workspace, member) {
  const value = (name) => (member.permissions?.[name] === undefined ? '' : String(member.permissions[name]));
  return formDialog({
    title: `Permissions of ${nameOf(member)}`,
    intro: `A ${member.role} has the permissions of that role. Here single ones are given or taken.`,
    fields: Object.entries(PERMISSIONS).map(([name, label]) => ({
      name, label, type: 'select', value: value(name), options: [['', 'As the role says'], ['true', 'Allowed'], ['false', 'Not allowed']],
    })),
    verb: 'Save',
    act: (values) => api.changeMember(workspace.id, member.user_id, {
      permissions: Object.fromEntries(Object.entries(values).filter(([, chosen]) => chosen !== '').map(([name, chosen]) => [name, chosen === 'true'])),
    }),
  });
}

function memberLine(workspace, who, member, again) {
  const own = member.user_id === who.id;
  const manages = workspace.permissions.includes('can_manage_workspace');
  const fixed = !manages || member.role === 'owner' || own;
  const departs = Object.keys(member.permissions ?? {}).length > 0;
  const role = fixed ? h('span', { class: 'role' }, roleName(member.role)) : h('select', {
    class: 'small',
    'aria-label': `Role of ${nameOf(member)}`,
    onchange: async ({ target }) => {
      const changed = await tryTo(() => api.changeMember(workspace.id, member.user_id, { role: target.value }));
      await again();
      if (changed) toast(`${nameOf(member)} is ${target.value} now.`);
    },
  }, ...roleOptions().map(([key]) => h('option', { value: key, selected: key === member.role }, roleName(key))));
  const items = () => [
    { label: 'Permissions…', icon: 'key', act: async () => { if (await overridesDialog(workspace, member)) await again(); } },
    {
      label: member.is_active === false ? 'Let back in' : 'Suspend',
      icon: 'restore',
      act: async () => {
        await tryTo(() => api.changeMember(workspace.id, member.user_id, { is_active: member.is_active === false }));
        await again();
      },
    },
    {
      label: 'Remove…',
      icon: 'trash',
      danger: true,
      act: async () => {
        const done = await confirmDialog({
          title: `Remove ${nameOf(member)}?`, text: 'They lose access at once; their open documents close. What they wrote stays.', verb: 'Remove', act: () => api.removeMember(workspace.id, member.user_id),
        });
        if (done) await again();
      },
    },
  ];
  return h('li', { class: 'line', 'data-id': member.user_id },
    h('span', { class: 'avatar', 'aria-hidden': 'true', 'data-initials': initials(nameOf(member)) }),
    h('div', { class: 'line-text' },
      h('b', {}, nameOf(member), own && h('span', { class: 'badge' }, 'You'), member.is_active === false && h('span', { class: 'badge' }, 'Suspended'), departs && h('span', { class: 'badge' }, 'Own permissions')),
      h('p', {}, member.email, member.joined_at && [' · ', clock(member.joined_at, 'joined ')])),
    role,
    fixed ? h('span', { class: 'icon-gap' }) : moreButton(`Actions for ${nameOf(member)}`, items));
}

export function membersSection(workspace, who) {
  let asked = '';
  const list = pagedList({
    label: 'Members',
    empty: 'Nobody is called like this.',
    load: (cursor) => api.members(workspace.id, { q: asked, cursor }),
    row: (member, again) => memberLine(workspace, who, member, again),
  });
  const find = h('input', { type: 'search', 'aria-label': 'Find members', placeholder: 'Find by name or e-mail', autocomplete: 'off' });
  find.addEventListener('input', debounced(200, () => {
    asked = find.value.trim();
    list.reload();
  }));
  list.reload();
  const limit = workspace.member_limit ? `${workspace.member_count} of ${workspace.member_limit} places are taken.` : null;
  return section('Members', limit, h('div', { class: 'field' }, find), list.element);
}

export function invitationsSection(workspace) {
  const list = pagedList({
    label: 'Invitations',
    empty: 'No open invitations.',
    load: (cursor) => api.invitations(workspace.id, { cursor }),
    row: (invitation, again) => h('li', { class: 'line', 'data-id': invitation.id },
      h('div', { class: 'line-text' }, h('b', {}, invitation.email, invitation.status !== 'pending' && h('span', { class: 'badge' }, roleName(invitation.status))),
        h('p', {}, roleName(invitation.role), ' · ', clock(invitation.created_at, 'invited '))),
      invitation.status === 'pending' && moreButton(`Actions for the invitation of ${invitation.email}`, () => [
        {
          label: 'Send again',
          icon: 'restore',
          act: async () => {
            const sent = await tryTo(() => api.resendInvitation(workspace.id, invitation.id));
            if (sent) await tellInvited(sent);
            await again();
          },
        },
        {
          label: 'Revoke',
          icon: 'trash',
          danger: true,
          act: async () => {
            await tryTo(() => api.revokeInvitation(workspace.id, invitation.id));
            await again();
          },
        },
      ])),
  });
  list.reload();
  return section('Invitations', null, list.element, h('button', {
    class: 'button small primary', type: 'button', onclick: async () => { if (await inviteDialog(workspace)) await list.reload(); },
  }, 'Invite people'));
}
