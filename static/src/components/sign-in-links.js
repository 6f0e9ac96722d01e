/** The cards of one-time links: signing in, a first password, a registration, a new password. */
import * as api from '../lib/api.js';
import { h } from '../lib/dom.js';
import { statusOf } from '../lib/request.js';
import { cardForm, linkButton, showCard } from './card.js';
import { newPasswordField, personFields, revokeTokensField } from './password-fields.js';

/** @import { SignedIn } from '../lib/types.js' */

/** @typedef {{ purpose: string, secret: string }} Link */
/** @typedef {() => Promise<void>} GoOn leads a person who has signed in to the next page */

/** HTTP statuses of a link that was used, that is too old, or that never was one. */
const SPENT = [400, 401, 404, 409, 410];

/**
 * The secret of a link. It is in the fragment (#link=, #reset=, #register=), which no server and no log receives, and is
 * removed from the address bar at once.
 * @returns {Link | null} null where the page's address is not of a link
 */
export function takeLink() {
  const given = new URLSearchParams(location.hash.slice(1));
  const path = location.pathname.match(/^\/signin\/(link|reset)$/)?.[1];
  const purpose = path ?? ['link', 'reset', 'register'].find((name) => given.has(name));
  if (!purpose) return null;
  history.replaceState(null, '', '/signin');
  return { purpose, secret: given.get(purpose) ?? given.get('token') ?? '' };
}

/**
 * Shows the card of a link.
 * @param {Link} link
 * @param {GoOn} goOn
 */
export function showLink({ purpose, secret }, goOn) {
  if (!secret) showSpent('It is incomplete. Copy all of it from the message, and open it again.');
  else if (purpose === 'link') showSignInByLink(secret, goOn);
  else if (purpose === 'register') showFinish(secret, goOn);
  else showReset(secret, goOn);
}

/** @param {string} text */
function showSpent(text) {
  showCard(
    'This link does not work any more',
    h('p', {}, text),
    h('a', { class: 'button full', href: '/signin' }, 'Go to sign-in'),
  );
}

/**
 * @param {string} token
 * @param {GoOn} goOn
 */
function showSignInByLink(token, goOn) {
  // A mail scanner that opens the link must not use it up: signing in needs a click.
  showCard(
    'Welcome',
    h('p', {}, 'This link signs you in, once.'),
    cardForm('Sign in', [], async () => {
      try {
        const { user } = await api.signInByLink(token);
        if (user.has_password || !(await api.providers()).local) await goOn();
        else showFirstPassword(user, goOn);
      } catch (error) {
        if (![...SPENT, 422].includes(statusOf(error) ?? 0)) throw error;
        showSpent('It was used already, or it is too old. Ask for a new one.');
      }
    }),
  );
}

/**
 * @param {SignedIn['user']} user
 * @param {GoOn} goOn
 */
function showFirstPassword(user, goOn) {
  const skip = linkButton('Not now', () => goOn());
  const name = h('input', {
    type: 'email',
    name: 'username',
    value: user.email,
    autocomplete: 'username',
    readonly: true,
    class: 'visually-hidden',
    tabindex: '-1',
    'aria-hidden': 'true',
  });
  showCard(
    'Choose a password',
    h('p', {}, `You are signed in as ${user.email}. With a password you can come back without a link.`),
    cardForm(
      'Save password',
      [name, newPasswordField({ label: 'Password' })],
      async ({ new_password: chosen }) => {
        await api.changePassword({ new_password: chosen });
        await goOn();
      },
      [skip],
    ),
  );
}

/**
 * @param {string} token
 * @param {GoOn} goOn
 */
function showFinish(token, goOn) {
  showCard(
    'Finish your registration',
    cardForm('Create account', personFields(), async (values) => {
      try {
        await api.finishRegistration({ token, ...values });
      } catch (error) {
        if (!SPENT.includes(statusOf(error) ?? 0)) throw error;
        showSpent(
          statusOf(error) === 409
            ? 'Its address has an account by now. Sign in, or set a new password there.'
            : 'It was used already, or it is too old. Ask for a new one at sign-in.',
        );
        return;
      }
      await goOn();
    }),
  );
}

/**
 * @param {string} token
 * @param {GoOn} goOn
 */
function showReset(token, goOn) {
  showCard(
    'Choose a new password',
    h('p', {}, 'You are signed out everywhere else when it is saved.'),
    cardForm('Save password', [newPasswordField(), revokeTokensField(true)], async (values) => {
      try {
        await api.resetPassword({ token, ...values });
      } catch (error) {
        if (!SPENT.includes(statusOf(error) ?? 0)) throw error;
        showSpent('It was used already, or it is too old. Ask for a new one at sign-in.');
        return;
      }
      await goOn();
    }),
  );
}
