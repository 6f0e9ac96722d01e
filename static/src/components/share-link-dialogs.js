/** The dialogs that make and change links. */
import { permissionOptions } from '../lib/permissions.js';
import { endOf, nameOfLink } from '../lib/share-words.js';
import * as api from '../lib/shares-api.js';
import { formDialog } from './dialog.js';
import { endFields } from './share-select.js';

/** @import { NewShare, Share } from '../lib/share-types.js' */
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
 * Asks for the settings of a new link.
 * @param {object} how
 * @param {string} how.intro
 * @param {FieldOptions} how.first the field that says what the link opens, or what it lets people do
 * @param {(chosen: string) => object} how.fieldsOf that field in the body of the request
 * @param {(link: object) => Promise<NewShare>} how.create
 * @returns {Promise<NewShare | null>} null when dismissed
 */
const askForLink = ({ intro, first, fieldsOf: chosenOf, create }) =>
  formDialog({
    title: 'New link',
    intro,
    fields: [first, ...fieldsOf(null)],
    verb: 'Create link',
    act: ({ [first.name]: chosen, password, ...values }) =>
      create({ kind: 'link', ...chosenOf(chosen), ...settingsOf(values), ...(password && { password }) }),
  });

/** @param {string} document */
export const newLinkDialog = (document) =>
  askForLink({
    intro: 'Whoever has the link can open the document, without an account.',
    first: {
      name: 'permission',
      label: 'People with the link',
      type: 'select',
      value: 'read',
      options: permissionOptions(),
    },
    fieldsOf: (permission) => ({ permission }),
    create: (link) => api.createShare(document, link),
  });

/**
 * @param {string} workspace
 * @param {readonly (readonly [string, string])[]} scopes see WorkspaceLinkStore
 */
export const newWorkspaceLinkDialog = (workspace, scopes) =>
  askForLink({
    intro:
      'Whoever has the link can read these documents, without an account. Documents that come later are among them.',
    first: { name: 'scope', label: 'Documents', type: 'select', value: '', options: scopes },
    fieldsOf: (scope) => {
      const [kind, id] = scope.split(' ');
      return id ? { [`${kind}_id`]: id } : {};
    },
    create: (link) => api.createWorkspaceShare(workspace, link),
  });

/**
 * Asks for other settings of a link.
 * @param {Share} link
 * @returns {Promise<Share | null>} null when dismissed
 */
export const changeLinkDialog = (link) =>
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
