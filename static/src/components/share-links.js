/** The part of the share dialog with the links of a document. */
import { signal } from '@preact/signals';
import { h } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { permissionOptions } from '../lib/permissions.js';
import { endOf, linkWords, nameOfLink } from '../lib/share-words.js';
import * as api from '../lib/shares-api.js';
import { confirmDialog, formDialog } from './dialog.js';
import { Badge, Icon, MenuButton } from './elements.js';
import { useKeptFocus } from './keep-focus.js';
import { QrCode } from './qr-code.js';
import { CopyButton } from './share-copy.js';
import { PermissionSelect, endFields } from './share-select.js';
import { tryTo } from './toast.js';

/** @import { NewShare, Share } from '../lib/share-types.js' */
/** @import { Items } from './menu.js' */
/** @import { Sharing } from './share-dialog.js' */
/** @import { FieldOptions } from './form.js' */

const MOST_USES = 1000000;

/**
 * The fields of a link.
 * @param {Share | null} link null for a new one
 * @returns {(FieldOptions | Node)[]}
 */
const fieldsOf = (link) => [
  {
    name: 'name',
    label: 'Name (optional)',
    value: link?.name ?? '',
    maxlength: 100,
    autocomplete: 'off',
    placeholder: 'Reviewers',
    hint: 'Stands beside the names of guests who come by this link.',
  },
  endFields(link?.expires_at ?? null),
  {
    name: 'uses',
    label: 'Can be opened so many times (optional)',
    type: 'number',
    min: 1,
    max: MOST_USES,
    step: 1,
    inputmode: 'numeric',
    value: link?.max_uses === null || link?.max_uses === undefined ? '' : String(link.max_uses),
    placeholder: 'Without a limit',
  },
  {
    name: 'password',
    label: link?.has_password ? 'New password' : 'Password (optional)',
    type: 'password',
    minlength: 4,
    maxlength: 200,
    autocomplete: 'new-password',
    placeholder: link?.has_password ? 'As it is' : 'None',
    hint: link ? 'Another password ends what was opened before.' : 'Tell it to people on another way than the link.',
  },
];

/** @param {Record<string, any>} values of the fields */
const settingsOf = ({ name, ends, date, uses }) => ({
  name: name || null,
  expires_at: endOf(ends, date, Date.now()),
  max_uses: uses ? Number(uses) : null,
});

/**
 * @param {string} document
 * @returns {Promise<NewShare | null>} null when dismissed
 */
const newLinkDialog = (document) =>
  formDialog({
    title: 'New link',
    intro: 'Whoever has the link can open the document, without an account.',
    fields: [
      {
        name: 'permission',
        label: 'People with the link',
        type: 'select',
        value: 'read',
        options: permissionOptions(),
      },
      ...fieldsOf(null),
    ],
    verb: 'Create link',
    act: ({ permission, password, ...values }) =>
      api.createShare(document, { kind: 'link', permission, ...settingsOf(values), ...(password && { password }) }),
  });

/**
 * @param {Share} link
 * @returns {Promise<Share | null>} null when dismissed
 */
const changeLinkDialog = (link) =>
  formDialog({
    title: `Change “${nameOfLink(link)}”`,
    fields: [
      ...fieldsOf(link),
      ...(link.has_password ? [{ name: 'open', label: 'Needs no password any more', type: 'checkbox' }] : []),
    ],
    verb: 'Save',
    act: ({ password, open, ...values }) =>
      api.changeShare(link.id, {
        ...changesOf(link, settingsOf(values), values),
        ...(open ? { password: null } : password && { password }),
      }),
  });

/**
 * What differs from the present settings of a link. A day that is as it was leaves the time of the end as it was.
 * @param {Share} link
 * @param {ReturnType<typeof settingsOf>} wanted
 * @param {Record<string, any>} values
 */
function changesOf(link, wanted, { ends, date }) {
  const isSameDay =
    link.expires_at !== null && ends === 'date' && endDay(link.expires_at) === endDay(endOf(ends, date, 0));
  const { expires_at: end, ...others } = wanted;
  return isSameDay ? others : { ...others, expires_at: end };
}

/** @param {string | null} end */
const endDay = (end) => end && new Date(end).toDateString();

/** @param {{ made: NewShare, close: () => void }} props */
function NewLink({ made, close }) {
  const input = useRef(/** @type {HTMLInputElement | null} */ (null));
  const url = made.url ?? '';
  useEffect(() => {
    input.current?.focus();
    input.current?.select();
    // The beginning of an address says more than its end.
    if (input.current) input.current.scrollLeft = 0;
    input.current?.closest('.new-link')?.scrollIntoView({ block: 'nearest' });
  }, [url]);
  return h(
    'div',
    { class: 'new-link', role: 'group', 'aria-label': `The new link ${nameOfLink(made)}` },
    h(QrCode, { text: url, label: 'QR code of the link' }),
    h(
      'div',
      {},
      h('b', {}, made.name ? `“${made.name}” is ready` : 'The link is ready'),
      h('p', {}, 'Copy it now. Its address is shown this once.'),
      h(
        'div',
        { class: 'copy-row field' },
        h('input', {
          ref: input,
          type: 'text',
          readOnly: true,
          class: 'mono',
          'aria-label': 'Address of the link',
          value: url,
        }),
        h(CopyButton, { text: url, label: 'Copy', look: 'primary' }),
      ),
      h('button', { class: 'link', type: 'button', onClick: close }, 'Done'),
    ),
  );
}

/** @param {{ link: Share, sharing: Sharing }} props */
function Row({ link, sharing: { store } }) {
  const name = nameOfLink(link);
  const change = async () => {
    const changed = await changeLinkDialog(link);
    if (changed) store.put(changed);
  };
  const permit = async (/** @type {string} */ permission) => {
    const changed = await tryTo(() => api.changeShare(link.id, { permission }));
    if (changed) store.put(changed);
    else await store.load();
  };
  const revoke = () =>
    confirmDialog({
      title: `Revoke “${name}”?`,
      text: 'The link stops working at once, also for the people who have the document open by it. It cannot be brought back.',
      verb: 'Revoke',
      act: async () => {
        await api.revokeShare(link.id);
        store.drop(link.id);
      },
    });
  const isOver = link.expired || (link.max_uses !== null && link.access_count >= link.max_uses);
  return h(
    'li',
    { class: isOver ? 'line off' : 'line', 'data-id': link.id },
    h(
      'span',
      { class: 'avatar waiting', 'aria-hidden': 'true' },
      h(Icon, { name: link.has_password ? 'key' : 'link' }),
    ),
    h(
      'div',
      { class: 'line-text' },
      h('b', {}, name, link.expired && h(Badge, { text: 'Ended' })),
      h('p', {}, linkWords(link, Date.now())),
    ),
    h(PermissionSelect, {
      label: `What people with ${name} may do`,
      value: link.permission,
      options: permissionOptions(),
      change: permit,
    }),
    h(MenuButton, {
      label: `Actions for ${name}`,
      items: () =>
        /** @type {Items} */ ([
          { label: 'Change…', icon: 'pencil', act: change },
          'line',
          { label: 'Revoke…', icon: 'trash', danger: true, act: revoke },
        ]),
    }),
  );
}

/** @param {{ sharing: Sharing }} props */
export function Links({ sharing }) {
  const { doc, store } = sharing;
  const made = useRef(signal(/** @type {NewShare | null} */ (null))).current;
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useKeptFocus(list);
  const links = store.links.value;
  const isThere = made.value !== null && links.some(({ id }) => id === made.value?.id);
  return h(
    'section',
    {},
    h(
      'div',
      { class: 'share-head' },
      h('h3', {}, 'Links'),
      h(
        'button',
        {
          ref: button,
          class: 'button small',
          type: 'button',
          onClick: async () => {
            const created = await newLinkDialog(doc.id);
            if (!created) return;
            store.put(created);
            made.value = created;
          },
        },
        h(Icon, { name: 'plus' }),
        'New link',
      ),
    ),
    made.value &&
      isThere &&
      h(NewLink, {
        key: made.value.id,
        made: made.value,
        close: () => {
          made.value = null;
          button.current?.focus();
        },
      }),
    links.length === 0
      ? h('p', { class: 'share-why' }, 'No links. With a link, people open the document without an account.')
      : h(
          'ul',
          { class: 'lines', ref: list, 'aria-label': 'Links' },
          links.map((link) => h(Row, { key: link.id, link, sharing })),
        ),
  );
}
