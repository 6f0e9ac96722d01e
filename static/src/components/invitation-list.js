/** The open invitations of a workspace, in its settings. */
import * as api from '../lib/api.js';
import { h } from '../lib/dom.js';
import { roleName } from '../lib/roles.js';
import { clock } from './clock.js';
import { inviteDialog, tellInvited } from './invite-dialog.js';
import { moreButton } from './menu.js';
import { pagedList, section } from './settings.js';
import { tryTo } from './toast.js';

/** @import { Invitation, Workspace } from '../lib/types.js' */

/**
 * @param {Workspace} workspace
 * @param {Invitation} invitation
 * @param {() => Promise<void>} again loads the list again
 */
function invitationRow(workspace, invitation, again) {
  const isPending = invitation.status === 'pending';
  return h(
    'li',
    { class: 'line', 'data-id': invitation.id },
    h(
      'div',
      { class: 'line-text' },
      h('b', {}, invitation.email, !isPending && h('span', { class: 'badge' }, roleName(invitation.status))),
      h('p', {}, roleName(invitation.role), ' · ', clock(invitation.created_at, 'invited ')),
    ),
    isPending &&
      moreButton(`Actions for the invitation of ${invitation.email}`, () => [
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
      ]),
  );
}

/**
 * Makes the section with the open invitations of a workspace.
 * @param {Workspace} workspace
 * @returns {HTMLElement}
 */
export function invitationsSection(workspace) {
  const list = pagedList({
    label: 'Invitations',
    empty: 'No open invitations.',
    load: (cursor) => api.invitations(workspace.id, { cursor }),
    row: (invitation, again) => invitationRow(workspace, invitation, again),
  });
  list.reload();
  const invite = async () => {
    if (await inviteDialog(workspace)) await list.reload();
  };
  return section(
    'Invitations',
    null,
    list.element,
    h('button', { class: 'button small primary', type: 'button', onclick: invite }, 'Invite people'),
  );
}
