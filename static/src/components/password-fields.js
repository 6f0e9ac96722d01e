/** The fields of forms that set a password. The hint names the server's rule. */
import { field } from './form.js';

const SHORTEST = 10;
const LONGEST = 200;

export const newPasswordField = ({ name = 'new_password', label = 'New password' } = {}) =>
  field({
    name,
    label,
    type: 'password',
    autocomplete: 'new-password',
    required: true,
    minlength: SHORTEST,
    maxlength: LONGEST,
    hint: `At least ${SHORTEST} characters.`,
  });

/**
 * The fields of a new account: name and password.
 * @param {HTMLElement} [middle] a field between them
 */
export const personFields = (middle) =>
  [
    field({ name: 'display_name', label: 'Your name', autocomplete: 'name', maxlength: 100, required: true }),
    middle,
    newPasswordField({ name: 'password', label: 'Password' }),
  ].filter(Boolean);

/**
 * Asks whether a new password revokes the API tokens too. A person who knew the old one may have created some.
 * @param {boolean} value
 */
export const revokeTokensField = (value) =>
  field({
    name: 'revoke_tokens',
    label: 'Revoke all API tokens too',
    type: 'checkbox',
    value,
    hint: 'Programs that use them stop working until you give them new ones.',
  });
