/** The administration page: the accounts, and the log. */
import * as api from '../lib/api.js';
import { confirmDialog, copyDialog, formDialog } from '../components/dialog.js';
import { debounced, h } from '../lib/dom.js';
import { moreButton } from '../components/menu.js';
import { avatar } from '../lib/pictures.js';
import { clock } from '../components/clock.js';
import { pagedList, section, showSections } from '../components/settings.js';
import { showFailure, startPage } from '../components/page-header.js';
import { toast, tryTo } from '../components/toast.js';

/** @import { Items } from '../components/menu.js' */
/** @import { AuditEntry, User } from '../lib/account-types.js' */
/** @import { CurrentUser } from '../lib/types.js' */

/** @param {User} user */
const nameOf = (user) => user.display_name || user.email;
/**
 * @param {User} user
 * @param {string} link
 */
const giveLink = (user, link) =>
  copyDialog({
    title: 'Send this link',
    text: `It signs ${nameOf(user)} in, once, and lets them choose a password. It is shown this once.`,
    value: link,
    label: 'Sign-in link',
  });

/** @param {() => Promise<void>} again loads the list again */
async function createUser(again) {
  const made = await formDialog({
    title: 'New account',
    fields: [
      { name: 'email', label: 'E-mail', type: 'email', required: true, autocomplete: 'off', maxlength: 254 },
      { name: 'display_name', label: 'Name (optional)', maxlength: 100, autocomplete: 'off' },
      {
        name: 'role',
        label: 'Role',
        type: 'select',
        value: 'user',
        options: [
          ['user', 'User'],
          ['admin', 'Administrator'],
        ],
      },
    ],
    verb: 'Create account',
    act: ({ email, display_name: name, role }) =>
      api.createUser({ email, role, ...(name ? { display_name: name } : {}) }),
  });
  if (!made) return;
  await again();
  if (made.link) await giveLink(made.user, made.link);
}

/**
 * @param {CurrentUser} current
 * @param {User} user
 * @param {() => Promise<void>} again loads the list again
 */
function line(current, user, again) {
  const own = user.id === current.id;
  const change = (/** @type {object} */ values, /** @type {string} */ text) => async () => {
    const changed = await tryTo(() => api.changeUser(user.id, values));
    await again();
    if (changed) toast(text);
  };
  const active = user.is_active !== false;
  const items = () =>
    /** @type {Items} */ ([
      active && {
        label: 'Sign-in link…',
        icon: 'link',
        act: async () => {
          const made = await tryTo(() => api.linkForUser(user.id));
          if (made) await giveLink(user, made.link);
        },
      },
      {
        label: 'Rename…',
        icon: 'pencil',
        act: async () => {
          const changed = await formDialog({
            title: 'Rename',
            fields: [{ name: 'display_name', label: 'Name', value: nameOf(user), required: true, maxlength: 100 }],
            verb: 'Rename',
            act: (values) => api.changeUser(user.id, values),
          });
          if (changed) await again();
        },
      },
      !own &&
        (user.role === 'admin'
          ? {
              label: 'Make a plain user',
              icon: 'person',
              act: change({ role: 'user' }, `${nameOf(user)} is no administrator any more.`),
            }
          : {
              label: 'Make an administrator',
              icon: 'shield',
              act: change({ role: 'admin' }, `${nameOf(user)} is an administrator now.`),
            }),
      !own &&
        (active
          ? {
              label: 'Deactivate',
              icon: 'leave',
              act: change({ is_active: false }, `${nameOf(user)} cannot sign in any more.`),
            }
          : {
              label: 'Activate',
              icon: 'restore',
              act: change({ is_active: true }, `${nameOf(user)} can sign in again.`),
            }),
      !own && 'line',
      !own && {
        label: 'Delete…',
        icon: 'trash',
        danger: true,
        act: async () => {
          const gone = await confirmDialog({
            title: `Delete the account of ${nameOf(user)}?`,
            text: 'This cannot be undone. Documents stay in their workspaces.',
            verb: 'Delete account',
            act: () => api.deleteUser(user.id),
          });
          if (gone) await again();
        },
      },
    ]);
  return h(
    'li',
    { class: active ? 'line' : 'line off', 'data-id': user.id },
    avatar({ name: nameOf(user), picture: user.avatar_url }),
    h(
      'div',
      { class: 'line-text' },
      h(
        'b',
        {},
        nameOf(user),
        own && h('span', { class: 'badge' }, 'You'),
        user.role === 'admin' && h('span', { class: 'badge' }, 'Administrator'),
        !active && h('span', { class: 'badge' }, 'Deactivated'),
      ),
      h('p', {}, user.email, ' · ', clock(user.created_at, 'joined ')),
    ),
    moreButton(`Actions for ${nameOf(user)}`, items),
  );
}

/** @type {Record<string, string>} */
const WORDS = {
  sign_in: 'signed in',
  sign_out: 'signed out',
  sign_in_failed: 'failed to sign in',
  set_password: 'set the password',
  reset_password: 'reset the password',
  revoke_all: 'ended all sessions and tokens',
};
/** @type {Record<string, string>} */
const VERBS = {
  create: 'created',
  insert: 'created',
  update: 'changed',
  delete: 'deleted',
  purge: 'deleted forever',
  restore: 'restored',
  archive: 'archived',
  unarchive: 'unarchived',
  revoke: 'revoked',
  refuse_malware: 'sent a file with malware to',
};
/** @type {Record<string, string>} */
const ACTORS = { operator: 'An operator', 'first start': 'The first start' };

/**
 * The name of what an entry is about; '' where it has none.
 * @param {AuditEntry} entry
 * @returns {string}
 */
const nameIn = ({ data }) =>
  [data.title, data.name, data.email, data.new?.title, data.new?.name, data.new?.email].find(Boolean) ?? '';

/** @param {AuditEntry} entry */
function auditLine(entry) {
  const plain = (/** @type {string} */ text) => text.replaceAll('_', ' ');
  const actor = entry.actor?.name ?? 'Somebody';
  const name = entry.action in WORDS ? '' : nameIn(entry);
  const what = `${name ? 'the' : /^[aeio]/.test(entry.entity_type) ? 'an' : 'a'} ${plain(entry.entity_type)}`;
  const done = WORDS[entry.action] ?? `${VERBS[entry.action] ?? plain(entry.action)} ${what}`;
  const details = [
    entry.data.reason,
    entry.data.by && plain(entry.data.by),
    entry.changed_fields?.map(plain).join(', '),
    entry.ip_address,
  ].filter(Boolean);
  return h(
    'li',
    { class: 'line' },
    h(
      'div',
      { class: 'line-text' },
      h('p', { class: 'event' }, h('b', {}, ACTORS[actor] ?? actor), ` ${done}`, name && [' ', h('b', {}, name)]),
      h('p', {}, clock(entry.at), details.length > 0 && ` · ${details.join(' · ')}`),
    ),
  );
}

/** @param {CurrentUser} current */
async function show(current) {
  if (!current.is_admin) {
    showFailure({ status: 403 });
    return;
  }
  let asked = '';
  const list = pagedList({
    label: 'Accounts',
    empty: 'No account has this name.',
    load: (cursor) => api.users({ q: asked, cursor }),
    row: (user, again) => line(current, user, again),
  });
  const find = h('input', {
    type: 'search',
    'aria-label': 'Find accounts',
    placeholder: 'Find by name or e-mail',
    autocomplete: 'off',
  });
  find.addEventListener(
    'input',
    debounced(200, () => {
      asked = find.value.trim();
      list.reload();
    }),
  );
  const kind = h(
    'select',
    { 'aria-label': 'What to show' },
    ...[
      ['', 'Everything'],
      ['sign_in', 'Sign-ins'],
      ['sign_in_failed', 'Failed sign-ins'],
    ].map(([value, text]) => h('option', { value }, text)),
  );
  const log = pagedList({
    label: 'Log',
    empty: 'Nothing yet.',
    load: (cursor) => api.audit({ action: kind.value || null, cursor }),
    row: auditLine,
  });
  kind.addEventListener('change', () => log.reload());
  showSections('Administration', [
    section(
      'People',
      null,
      h(
        'div',
        { class: 'tools' },
        h('div', { class: 'field' }, find),
        h('button', { class: 'button primary', type: 'button', onclick: () => createUser(list.reload) }, 'New account'),
      ),
      list.element,
    ),
    section(
      'Log',
      'Who did what on this server, and sign-ins that failed.',
      h('div', { class: 'tools' }, h('div', { class: 'field' }, kind)),
      log.element,
    ),
  ]);
  await Promise.all([list.reload(), log.reload()]);
}

startPage(show, { needsAccount: true });
