/** Invitations of the current user, above the list of documents. */
import { workspacePage } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { h } from '../lib/dom.js';
import { memory } from '../lib/identity.js';
import { roleName } from '../lib/roles.js';
import { toast, tryTo } from './toast.js';

/** @import { ReceivedInvitation } from '../lib/types.js' */

/** @param {ReceivedInvitation} invitation */
function card(invitation) {
  const { workspace, role, invited_by: by } = invitation;
  const who = typeof by === 'string' ? by : by?.name;
  /** @type {HTMLElement} */
  const element = h(
    'div',
    { class: 'invited-to', role: 'group', 'aria-label': `Invitation to ${workspace.name}` },
    h(
      'p',
      {},
      who ? `${who} invites you to ` : 'You are invited to ',
      h('b', {}, workspace.name),
      ` as ${roleName(role).toLowerCase()}.`,
    ),
    h(
      'button',
      {
        class: 'button small primary',
        type: 'button',
        onclick: async () => {
          const joined = await tryTo(() => api.acceptInvitation(invitation.id));
          if (!joined) return;
          memory.set('workspace', joined.id);
          location.assign(workspacePage(joined));
        },
      },
      'Accept',
    ),
    h(
      'button',
      {
        class: 'button small',
        type: 'button',
        onclick: async () => {
          if ((await tryTo(async () => (await api.declineInvitation(invitation.id), true))) === undefined) return;
          element.remove();
          toast('Invitation declined.');
        },
      },
      'Decline',
    ),
  );
  return element;
}

/**
 * Puts the invitations before `place`.
 * @param {HTMLElement} place
 */
export async function showInvitations(place) {
  const { items } = await api.ownInvitations().catch(() => ({ items: [] }));
  place.before(...items.map(card));
}
