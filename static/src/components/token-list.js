/** The API tokens of the current user, on the account page. */
import { h } from 'preact';
import * as api from '../lib/api.js';
import { h as element } from '../lib/dom.js';
import { confirmDialog, copyDialog, formDialog } from './dialog.js';
import { Badge, Time } from './elements.js';
import { lineList } from './line-list.js';
import { section } from './settings.js';

/** @import { Token } from '../lib/account-types.js' */
/** @import { PagedStore } from '../stores/paged-store.js' */

const SCOPES = {
  read: 'Read documents',
  comment: 'Read and comment',
  write: 'Read and write',
  admin: 'Everything that you can do',
};
/** @type {[string, string][]} Days, '' for no end. */
const LIFETIMES = [
  ['7', '7 days'],
  ['30', '30 days'],
  ['90', '90 days'],
  ['365', 'A year'],
  ['', 'No end'],
];

/** @param {string | null} at */
const endOf = (at) =>
  at ? `ends ${new Intl.DateTimeFormat('en', { dateStyle: 'medium' }).format(new Date(at))}` : 'no end';

/** @param {{ token: Token, revoke: () => void }} props */
const TokenRow = ({ token, revoke }) =>
  h(
    'li',
    { class: 'line', 'data-id': token.id },
    h(
      'div',
      { class: 'line-text' },
      h('b', {}, token.name, h(Badge, { text: token.scopes?.join(', ') ?? token.scope })),
      h(
        'p',
        {},
        h(Time, { at: token.created_at, before: 'Made ' }),
        ' · ',
        token.last_used_at ? h(Time, { at: token.last_used_at, before: 'used ' }) : 'never used',
        ` · ${endOf(token.expires_at)}`,
        token.parent?.kind === 'token' && ` · made by the token “${token.parent.name}”`,
      ),
    ),
    h(
      'button',
      { class: 'button small danger', type: 'button', 'aria-label': `Revoke ${token.name}`, onClick: revoke },
      'Revoke',
    ),
  );

/**
 * Asks what the token is for, and shows it once.
 * @param {PagedStore<Token>} store
 */
async function createToken(store) {
  const made = await formDialog({
    title: 'New API token',
    fields: [
      {
        name: 'name',
        label: 'Name',
        required: true,
        maxlength: 100,
        autocomplete: 'off',
        hint: 'What it is for, such as “backup script”.',
      },
      { name: 'scope', label: 'May', type: 'select', value: 'write', options: Object.entries(SCOPES) },
      { name: 'days', label: 'Ends after', type: 'select', value: '90', options: LIFETIMES },
    ],
    verb: 'Create token',
    act: ({ name, scope, days }) => api.createToken({ name, scope, expires_in_days: days ? Number(days) : null }),
  });
  if (!made) return;
  await store.load();
  await copyDialog({
    title: 'Copy the token now',
    text: 'It is shown this once. Keep it like a password.',
    value: made.token,
    label: 'Token',
  });
}

/**
 * Makes the section with the tokens. The caller loads the store.
 * @param {PagedStore<Token>} store
 * @returns {HTMLElement}
 */
export function tokensSection(store) {
  const revoke = async (/** @type {Token} */ token) => {
    const done = await confirmDialog({
      title: `Revoke “${token.name}”?`,
      text: 'What uses it is refused from now on, and all tokens that it made.',
      verb: 'Revoke',
      act: () => api.revokeToken(token.id),
    });
    if (done) await store.load();
  };
  return section(
    'API tokens',
    'For programs that act in your name.',
    lineList({
      store,
      label: 'API tokens',
      empty: 'No tokens. Programs use them to act as you.',
      renderRow: (token) => h(TokenRow, { key: token.id, token, revoke: () => revoke(token) }),
    }),
    element('button', { class: 'button small', type: 'button', onclick: () => createToken(store) }, 'Create token'),
  );
}
