/** The part of the share dialog with the people who have access without a share. */
import { signal } from '@preact/signals';
import { h } from 'preact';
import { useState } from 'preact/hooks';
import * as api from '../lib/api.js';
import { PERMISSIONS } from '../lib/permissions.js';
import { roleName } from '../lib/roles.js';
import { othersOf } from '../lib/share-words.js';
import { Avatar, Icon } from './elements.js';
import { inviteDialog } from './invite-dialog.js';

/** @import { Invitation, Member, Workspace } from '../lib/types.js' */
/** @import { Sharing } from './share-dialog.js' */

const READ = 200;
/** Members that are shown before the person asks for all. */
const SHOWN = 5;

/** The members of the document's workspace, and the invitations that wait. */
export class MemberList {
  /** @param {Workspace | null} workspace */
  constructor(workspace) {
    this.workspace = workspace;
    this.invites = workspace !== null && workspace.permissions.includes('can_invite_members') && !workspace.archived_at;
    this.members = signal(/** @type {Member[]} */ ([]));
    this.invited = signal(/** @type {Invitation[]} */ ([]));
    this.isPart = signal(false);
  }

  async load() {
    const { workspace } = this;
    if (!workspace) return;
    const [members, invited] = await Promise.all([
      api.members(workspace.id, { limit: READ }),
      this.invites ? api.invitations(workspace.id, { limit: READ }) : { items: [] },
    ]);
    this.members.value = members.items.filter(({ is_active: active }) => active !== false);
    this.invited.value = invited.items.filter(({ status }) => status === 'pending');
    this.isPart.value = members.next_cursor !== null;
  }
}

/**
 * @typedef {{ key: string, name: string, why: string, may: string, picture?: string | null,
 *   icon?: import('./icons.js').IconName }} Reader
 */

/**
 * @param {Sharing} sharing
 * @returns {Reader[]}
 */
function readersOf({ store, members }) {
  const access = store.access.value;
  const byId = new Map(access?.members.map((member) => [member.id, member]));
  const all = members.members.value.map(({ user_id: id, display_name: name, email, role, avatar_url: picture }) => {
    const known = byId.get(id);
    const may = known ? PERMISSIONS[known.permission] : roleName(role);
    return { key: id, name: name || email, why: email, may, picture };
  });
  const invited = members.invited.value.map(({ id, email, role }) => ({
    key: id,
    name: email,
    why: `Invited to the workspace as ${roleName(role).toLowerCase()}`,
    may: 'Invited',
    icon: /** @type {const} */ ('person'),
  }));
  const others = (access ? othersOf(access) : []).map(({ key, name, why, permission }) => ({
    key,
    name,
    why,
    may: permission === null ? '' : PERMISSIONS[permission],
    icon: /** @type {const} */ ('people'),
  }));
  return [...others, ...all, ...invited];
}

/** @param {{ reader: Reader }} props */
const Row = ({ reader: { key, name, why, may, picture, icon } }) =>
  h(
    'li',
    { class: 'line', 'data-id': key },
    icon
      ? h('span', { class: 'avatar waiting', 'aria-hidden': 'true' }, h(Icon, { name: icon }))
      : h(Avatar, { name, picture }),
    h('div', { class: 'line-text' }, h('b', {}, name), h('p', {}, why)),
    h('span', { class: 'role' }, may),
  );

/** @param {{ sharing: Sharing, decides: boolean }} props */
export function Members({ sharing, decides }) {
  const [isWhole, showAll] = useState(false);
  const { workspace, members } = sharing;
  const readers = readersOf(sharing);
  if (readers.length === 0) return null;
  const shown = isWhole || readers.length <= SHOWN + 1 ? readers : readers.slice(0, SHOWN);
  return h(
    'section',
    {},
    h(
      'div',
      { class: 'share-head' },
      h('h3', {}, decides ? 'Also with access' : 'People with access'),
      members.invites &&
        workspace &&
        h(
          'button',
          {
            class: 'button small quiet',
            type: 'button',
            onClick: async () => {
              if (await inviteDialog(workspace)) await members.load();
            },
          },
          'Invite to the workspace…',
        ),
    ),
    workspace &&
      h(
        'p',
        { class: 'share-why' },
        'Everyone in ',
        h('b', {}, workspace.name),
        ' can open this document; their role there decides what they may do.',
      ),
    h(
      'ul',
      { class: 'lines', 'aria-label': 'People who can open this document' },
      shown.map((reader) => h(Row, { key: reader.key, reader })),
      isWhole && members.isPart.value && h('li', { class: 'line' }, h('p', {}, 'And more people.')),
    ),
    shown.length < readers.length &&
      h('button', { class: 'link', type: 'button', onClick: () => showAll(true) }, `Show all ${readers.length}`),
  );
}
