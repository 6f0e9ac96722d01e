/** The share dialog of a document: the people who can open it, an invitation, the link. */
import * as api from '../lib/api.js';
import { pageOf, workspacePage } from '../lib/addresses.js';
import { copied, openDialog } from './dialog.js';
import { find, h, setText } from '../lib/dom.js';
import { alertLine, bindForm, field } from './form.js';
import { icon } from './icons.js';
import { initials } from '../lib/format.js';
import { messageOf } from '../lib/request.js';
import { roleName, roleOptions } from '../lib/roles.js';

/** @import { Doc, Invitation, Member, Workspace } from '../lib/types.js' */
import { titleOf } from '../lib/document-types.js';

const SHOWN = 100;

/** @param {Member} member */
function person(member) {
  const name = member.display_name || member.email;
  return h(
    'li',
    { class: 'line' },
    h('span', { class: 'avatar', 'aria-hidden': 'true', 'data-initials': initials(name) }),
    h('div', { class: 'line-text' }, h('b', {}, name), h('p', {}, member.email)),
    h('span', { class: 'role' }, roleName(member.role)),
  );
}

/** @param {Invitation} invitation */
const waiting = (invitation) =>
  h(
    'li',
    { class: 'line' },
    h('span', { class: 'avatar waiting', 'aria-hidden': 'true' }, icon('person')),
    h('div', { class: 'line-text' }, h('b', {}, invitation.email), h('p', {}, 'Invited')),
    h('span', { class: 'role' }, roleName(invitation.role)),
  );

/**
 * @param {string} text
 * @param {string} label
 */
function copyButton(text, label) {
  const said = h('span', {}, label);
  return h(
    'button',
    {
      class: 'button',
      type: 'button',
      onclick: async () => {
        setText(said, (await copied(text)) ? 'Copied' : 'Could not copy');
        setTimeout(() => setText(said, label), 2000);
      },
    },
    icon('link'),
    said,
  );
}

/**
 * @param {Workspace} workspace
 * @param {() => Promise<void>} again loads the list again
 */
function inviteForm(workspace, again) {
  const result = h('div', { class: 'invited', role: 'status' });
  const form = h(
    'form',
    { class: 'form invite' },
    h(
      'div',
      { class: 'field-row fit' },
      field({
        name: 'email',
        label: 'Invite by e-mail',
        type: 'email',
        required: true,
        autocomplete: 'off',
        maxlength: 254,
        placeholder: 'name@example.org',
      }),
      field({
        name: 'role',
        label: 'Role',
        type: 'select',
        value: 'editor',
        options: roleOptions().map(([key]) => [key, roleName(key)]),
      }),
      h('button', { class: 'button primary', type: 'submit' }, 'Invite'),
    ),
    alertLine(),
    result,
  );
  const input = find(form, '[name="email"]', HTMLInputElement);
  bindForm(form, async ({ email, role }) => {
    const made = await api.invite(workspace.id, { email, role });
    if (input) input.value = '';
    if (made.link) {
      result.replaceChildren(
        h('p', {}, `This server sends no e-mail: give ${made.email} this link.`),
        h(
          'div',
          { class: 'copy-row field' },
          h('input', {
            type: 'text',
            readonly: true,
            class: 'mono',
            'aria-label': 'Invitation link',
            value: made.link,
          }),
          copyButton(made.link, 'Copy'),
        ),
      );
    } else result.replaceChildren(h('p', {}, `An invitation is on its way to ${made.email}.`));
    await again();
  });
  return form;
}

/**
 * @param {Doc} doc
 * @param {Workspace} workspace
 */
export async function shareDialog(doc, workspace) {
  const list = h('ul', { class: 'lines', 'aria-label': 'People who can open this document' });
  const count = h('h3', {}, 'People with access');
  const failed = h('p', { class: 'form-alert', role: 'alert', hidden: true });
  const invites = workspace.permissions.includes('can_invite_members') && !workspace.archived_at;
  const load = async () => {
    try {
      const [members, invited] = await Promise.all([
        api.members(workspace.id, { limit: SHOWN }),
        invites ? api.invitations(workspace.id, { limit: SHOWN }) : { items: [] },
      ]);
      const open = invited.items.filter(({ status }) => status === 'pending');
      list.replaceChildren(
        ...members.items.filter(({ is_active: active }) => active !== false).map(person),
        ...open.map(waiting),
      );
      if (members.next_cursor) list.append(h('li', { class: 'line' }, h('p', {}, 'And more people.')));
    } catch (error) {
      failed.textContent = messageOf(error);
      failed.hidden = false;
    }
  };
  const link = location.origin + pageOf(doc.address);
  const { closed } = openDialog({
    title: `Share “${titleOf(doc)}”`,
    wide: true,
    content: [
      h(
        'p',
        { class: 'dialog-intro' },
        'Everyone in ',
        h('b', {}, workspace.name),
        ' can open this document; their role there decides what they may do.',
      ),
      invites && inviteForm(workspace, load),
      count,
      list,
      failed,
      h(
        'div',
        { class: 'actions between' },
        copyButton(link, 'Copy link'),
        h('a', { class: 'button quiet', href: `${workspacePage(workspace)}/settings` }, 'Members and settings'),
      ),
    ],
  });
  await load();
  return closed;
}
