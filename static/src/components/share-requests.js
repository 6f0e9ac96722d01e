/** The part of the share dialog with requests for access. */
import { h } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { permissionOptions } from '../lib/permissions.js';
import { nameOfPerson } from '../lib/share-words.js';
import * as api from '../lib/shares-api.js';
import { Avatar, Time } from './elements.js';
import { useKeptFocus } from './keep-focus.js';
import { PermissionSelect } from './share-select.js';
import { toast, tryTo } from './toast.js';

/** @import { AccessRequest, Permission } from '../lib/share-types.js' */
/** @import { Sharing } from './share-dialog.js' */

/** @param {{ request: AccessRequest, sharing: Sharing }} props */
function Row({ request, sharing: { store } }) {
  const [permission, choose] = useState(request.permission);
  const name = nameOfPerson(request);
  const decide = (/** @type {() => Promise<unknown>} */ act, /** @type {string} */ said) => async () => {
    if (!(await tryTo(() => act().then(() => true)))) return;
    store.decided(request.id);
    toast(said);
    await store.load();
  };
  return h(
    'li',
    { class: 'line asking', 'data-id': request.id },
    h(Avatar, { name, picture: request.user.avatar_url }),
    h(
      'div',
      { class: 'line-text' },
      h('b', {}, name),
      h(
        'p',
        {},
        request.user.name && `${request.user.email} · `,
        h(Time, { at: request.created_at, before: 'asked ' }),
      ),
      request.message && h('q', {}, request.message),
    ),
    h(
      'div',
      { class: 'asking-actions' },
      h(PermissionSelect, {
        label: `What ${name} gets`,
        value: permission,
        options: permissionOptions(),
        change: (/** @type {Permission} */ chosen) => choose(chosen),
      }),
      h(
        'button',
        {
          class: 'button small primary',
          type: 'button',
          'aria-label': `Approve the request of ${name}`,
          onClick: decide(() => api.approveRequest(request.id, permission), `${name} has access now.`),
        },
        'Approve',
      ),
      h(
        'button',
        {
          class: 'button small',
          type: 'button',
          'aria-label': `Deny the request of ${name}`,
          onClick: decide(() => api.denyRequest(request.id), `The request of ${name} was denied.`),
        },
        'Deny',
      ),
    ),
  );
}

/** @param {{ sharing: Sharing }} props */
export function Requests({ sharing }) {
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  useKeptFocus(list);
  const requests = sharing.store.requests.value;
  return h(
    'section',
    { class: 'requests' },
    h('h3', {}, requests.length === 1 ? 'Somebody asks for access' : `${requests.length} people ask for access`),
    h(
      'ul',
      { class: 'lines', ref: list, 'aria-label': 'Requests for access' },
      requests.map((request) => h(Row, { key: request.id, request, sharing })),
    ),
  );
}
