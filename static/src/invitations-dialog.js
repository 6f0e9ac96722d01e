/** Inviting people to a workspace: from its settings and from a document. */
import * as api from './api.js';
import { copyDialog, formDialog } from './dialog.js';
import { roleName } from './switcher.js';
import { toast } from './toast.js';

/** What each role may do, for the choices that name one. */
export const ROLES = {
  viewer: 'Viewer: reads', commenter: 'Commenter: reads and comments', editor: 'Editor: writes', admin: 'Admin: manages people and settings',
};
export const roleOptions = (...left) => Object.entries(ROLES).filter(([role]) => !left.includes(role));

/** Tells how the invitation travels: by mail, or by a link that is copied now. */
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

/** @returns {Promise<object | null>} the invitation */
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
