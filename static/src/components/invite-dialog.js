/** Invites people to a workspace. */
import * as api from '../lib/api.js';
import { copyDialog, formDialog } from './dialog.js';
import { roleName, roleOptions } from '../lib/roles.js';
import { toast } from './toast.js';

/** @import { Invitation, Workspace } from '../lib/types.js' */

/**
 * Says that an invitation was mailed, or shows its link where the server sends no e-mail.
 * @param {Invitation} invitation
 */
export async function tellInvited(invitation) {
  if (invitation.link) {
    await copyDialog({
      title: 'Send this link',
      text: `It lets ${invitation.email} join as ${roleName(invitation.role).toLowerCase()}. It is shown this once.`,
      value: invitation.link,
      label: 'Invitation link',
    });
  } else toast(`An invitation is on its way to ${invitation.email}.`);
}

/**
 * Asks whom to invite.
 * @param {Workspace} workspace
 * @returns {Promise<Invitation | null>} null when dismissed
 */
export async function inviteDialog(workspace) {
  const made = await formDialog({
    title: `Invite to ${workspace.name}`,
    fields: [
      { name: 'email', label: 'E-mail', type: 'email', required: true, autocomplete: 'off', maxlength: 254 },
      { name: 'role', label: 'Role', type: 'select', value: 'editor', options: roleOptions() },
      { name: 'message', label: 'Message (optional)', type: 'textarea', maxlength: 1000, rows: 2 },
    ],
    verb: 'Invite',
    act: ({ email, role, message }) => api.invite(workspace.id, { email, role, ...(message ? { message } : {}) }),
  });
  if (made) await tellInvited(made);
  return made;
}
