/** Hands a workspace over to another member. */
import * as api from '../lib/api.js';
import { formDialog } from './dialog.js';
import { toast, tryTo } from './toast.js';

/** @import { CurrentUser, Workspace } from '../lib/types.js' */

/**
 * Asks for the new owner.
 * @param {Workspace} workspace
 * @param {CurrentUser} user
 * @returns {Promise<boolean>} whether the workspace has another owner now
 */
export async function transferDialog(workspace, user) {
  const { items } = (await tryTo(() => api.members(workspace.id, { limit: 200 }))) ?? { items: [] };
  const others = items.filter(({ user_id: id, is_active: active }) => id !== user.id && active !== false);
  if (others.length === 0) {
    toast('There is nobody else in this workspace.');
    return false;
  }
  const done = await formDialog({
    title: 'Hand over this workspace',
    intro: 'The new owner has all rights in it. You stay a member, as an admin.',
    fields: [
      {
        name: 'user',
        label: 'New owner',
        type: 'select',
        value: others[0].user_id,
        options: others.map((each) => [each.user_id, each.display_name || each.email]),
      },
    ],
    verb: 'Hand over',
    danger: true,
    act: ({ user: id }) => api.transferWorkspace(workspace.id, id),
  });
  return done !== null;
}
