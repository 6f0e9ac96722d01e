/** The part of the share dialog that shares a document with people. */
import { h } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { permissionOptions, PERMISSIONS } from '../lib/permissions.js';
import { messageOf } from '../lib/request.js';
import { endOf, nameOfPerson, personWords } from '../lib/share-words.js';
import * as api from '../lib/shares-api.js';
import { formDialog } from './dialog.js';
import { Avatar, Icon, MenuButton } from './elements.js';
import { useKeptFocus } from './keep-focus.js';
import { PermissionSelect, endFields } from './share-select.js';
import { toast, tryTo } from './toast.js';

/** @import { NewShare, Permission, Share } from '../lib/share-types.js' */
/** @import { Items } from './menu.js' */
/** @import { Sharing } from './share-dialog.js' */

const LIST = 'share-suggestions';

/** @param {NewShare} share */
function saidOf(share) {
  const name = nameOfPerson(share);
  if (share.user?.id) return `Shared with ${name}.`;
  return share.mailed
    ? `${name} has no account here yet. An e-mail is on its way.`
    : `${name} has no account here yet, and this server sends no e-mail: ask them to register with this address.`;
}

/** @param {{ sharing: Sharing }} props */
function AddPeople({ sharing: { doc, store, members } }) {
  const [said, say] = useState('');
  const [problem, tell] = useState('');
  const [isBusy, setBusy] = useState(false);
  const [permission, choose] = useState(/** @type {Permission} */ ('write'));
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const email = input.current?.value.trim();
    if (!email || isBusy) return;
    setBusy(true);
    tell('');
    say('');
    try {
      const made = await api.createShare(doc.id, { kind: 'user', email, permission });
      if (input.current) input.current.value = '';
      store.put(made);
      say(saidOf(made));
    } catch (error) {
      tell(messageOf(error));
    } finally {
      setBusy(false);
      input.current?.focus();
    }
  };
  const admin = store.access.value?.own === 'admin';
  return h(
    'form',
    { class: 'share-form', onSubmit: submit, 'aria-busy': isBusy ? 'true' : undefined },
    h(
      'div',
      { class: 'field-row fit' },
      h(
        'div',
        { class: 'field' },
        h('label', { for: 'share-email' }, 'Add people by e-mail'),
        h('input', {
          ref: input,
          id: 'share-email',
          type: 'email',
          required: true,
          autocomplete: 'off',
          maxLength: 254,
          placeholder: 'name@example.org',
          list: LIST,
        }),
        h(
          'datalist',
          { id: LIST },
          members.members.value.map(({ email, display_name: name }) => h('option', { key: email, value: email }, name)),
        ),
      ),
      h(
        'div',
        { class: 'field' },
        h(PermissionSelect, {
          label: 'What they may do',
          value: permission,
          options: permissionOptions({ admin }),
          change: choose,
        }),
      ),
      h('button', { class: 'button primary', type: 'submit', disabled: isBusy }, 'Share'),
    ),
    problem && h('p', { class: 'form-alert', role: 'alert' }, problem),
    h('p', { class: 'share-said', role: 'status' }, said),
  );
}

/** @param {{ share: Share, sharing: Sharing }} props */
function Row({ share, sharing: { doc, store } }) {
  const name = nameOfPerson(share);
  const admin = store.access.value?.own === 'admin';
  const change = async (/** @type {object} */ wanted) => {
    const changed = await tryTo(() => api.changeShare(share.id, wanted));
    if (changed) store.put(changed);
    else await store.load();
  };
  const end = async () => {
    const changed = await formDialog({
      title: `Access of ${name}`,
      fields: [endFields(share.expires_at)],
      verb: 'Save',
      act: ({ ends, date }) => api.changeShare(share.id, { expires_at: endOf(ends, date, Date.now()) }),
    });
    if (changed) store.put(changed);
  };
  const remove = async () => {
    if (!(await tryTo(() => api.revokeShare(share.id).then(() => true)))) return;
    store.drop(share.id);
    const { permission, expires_at: expires, user } = share;
    const who = user?.id ? { user_id: user.id } : { email: user?.email };
    toast(`${name} has no access by you any more.`, {
      verb: 'Undo',
      act: async () => {
        const made = await tryTo(() =>
          api.createShare(doc.id, {
            kind: 'user',
            permission,
            ...who,
            ...(expires && !share.expired && { expires_at: expires }),
          }),
        );
        if (made) store.put(made);
      },
    });
  };
  const mayChange = admin || share.permission !== 'admin';
  return h(
    'li',
    { class: share.expired ? 'line off' : 'line', 'data-id': share.id },
    share.user?.id
      ? h(Avatar, { name, picture: share.user.avatar_url })
      : h('span', { class: 'avatar waiting', 'aria-hidden': 'true' }, h(Icon, { name: 'person' })),
    h('div', { class: 'line-text' }, h('b', {}, name), h('p', {}, personWords(share))),
    mayChange
      ? h(PermissionSelect, {
          label: `What ${name} may do`,
          value: share.permission,
          options: permissionOptions({ admin }),
          change: (permission) => change({ permission }),
        })
      : h('span', { class: 'role' }, PERMISSIONS[share.permission]),
    mayChange
      ? h(MenuButton, {
          label: `Access of ${name}`,
          items: () =>
            /** @type {Items} */ ([
              { label: share.expires_at ? 'Change the end…' : 'Set an end…', icon: 'clock', act: end },
              'line',
              { label: 'Remove', icon: 'trash', danger: true, act: remove },
            ]),
        })
      : h('span', { class: 'icon-gap' }),
  );
}

/** @param {{ sharing: Sharing }} props */
export function People({ sharing }) {
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  useKeptFocus(list);
  const people = sharing.store.people.value;
  return h(
    'section',
    {},
    h(AddPeople, { sharing }),
    people.length > 0 && h('h3', {}, 'Shared with'),
    h(
      'ul',
      { class: 'lines', ref: list, hidden: people.length === 0, 'aria-label': 'People with whom it is shared' },
      people.map((share) => h(Row, { key: share.id, share, sharing })),
    ),
  );
}
