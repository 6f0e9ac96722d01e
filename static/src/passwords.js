/** The field for a new password; the server's rule is told before it is broken. */
import { field } from './form.js';

const SHORTEST = 10;
const LONGEST = 200;

export const newPasswordField = ({ name = 'new_password', label = 'New password' } = {}) => field({
  name, label, type: 'password', autocomplete: 'new-password', required: true, minlength: SHORTEST, maxlength: LONGEST,
  hint: `At least ${SHORTEST} characters.`,
});

/** Whether a new password ends the API tokens too, which whoever knew the old one may have made. */
export const revokeTokensField = (value) => field({
  name: 'revoke_tokens', label: 'Revoke all API tokens too', type: 'checkbox', value, hint: 'Programs that use them stop working until you give them new ones.',
});
