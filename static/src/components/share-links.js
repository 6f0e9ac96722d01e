/** A list of links: of a document, in the share dialog, or of a workspace, on its settings page. */
import { signal } from '@preact/signals';
import { h } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { permissionOptions } from '../lib/permissions.js';
import { linkWords, nameOfLink } from '../lib/share-words.js';
import * as api from '../lib/shares-api.js';
import { confirmDialog } from './dialog.js';
import { Badge, Icon, MenuButton } from './elements.js';
import { useKeptFocus } from './keep-focus.js';
import { QrCode } from './qr-code.js';
import { CopyButton } from './share-copy.js';
import { changeLinkDialog } from './share-link-dialogs.js';
import { PermissionSelect } from './share-select.js';
import { tryTo } from './toast.js';

/** @import { NewShare, Share } from '../lib/share-types.js' */
/** @import { Items } from './menu.js' */

/**
 * Where links are kept; see ShareStore and WorkspaceLinkStore.
 * @typedef {{ links: { value: Share[] }, put: (link: Share) => void, drop: (id: string) => void, load: () => Promise<void> }} LinkStore
 *
 * What a list of links knows. `make`: asks for a new link and makes it. `none`: said where there is no link. `scopeOf`: what a
 * link to many documents opens.
 * @typedef {{ store: LinkStore, make: () => Promise<NewShare | null>, none: string, scopeOf?: (link: Share) => string }} LinkList
 */

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

/** @param {{ link: Share, list: LinkList }} props */
function Row({ link, list: { store, scopeOf } }) {
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
    scopeOf
      ? h('span', { class: 'role' }, scopeOf(link))
      : h(PermissionSelect, {
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

/** @param {{ list: LinkList, heading?: boolean }} props `heading`: it has one of its own */
export function Links({ list: { store, make, none, scopeOf }, heading = true }) {
  const made = useRef(signal(/** @type {NewShare | null} */ (null))).current;
  const lines = useRef(/** @type {HTMLUListElement | null} */ (null));
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useKeptFocus(lines);
  const links = store.links.value;
  const isThere = made.value !== null && links.some(({ id }) => id === made.value?.id);
  return h(
    'section',
    {},
    h(
      'div',
      { class: 'share-head' },
      heading ? h('h3', {}, 'Links') : h('span', {}),
      h(
        'button',
        {
          ref: button,
          class: 'button small',
          type: 'button',
          onClick: async () => {
            const created = await make();
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
      ? h('p', { class: 'share-why' }, none)
      : h(
          'ul',
          { class: 'lines', ref: lines, 'aria-label': 'Links' },
          links.map((link) => h(Row, { key: link.id, link, list: { store, make, none, scopeOf } })),
        ),
  );
}
