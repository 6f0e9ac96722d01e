/** The sign-in page: password, provider, registration, forgotten password; and the links that lead to it. */
import { cardForm, linkButton, retryButton, showCard } from '../components/card.js';
import { field } from '../components/form.js';
import { adoptPreferences } from '../components/page-header.js';
import { personFields } from '../components/password-fields.js';
import { showLink, takeLink } from '../components/sign-in-links.js';
import { nextIn } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { $, find, h } from '../lib/dom.js';
import { RequestError, messageOf } from '../lib/request.js';
import { bindThemeButton } from '../lib/theme.js';

/** @import { Providers } from '../lib/types.js' */

/** Texts for the errors with which a provider leads back (?error=). @type {Record<string, string>} */
const ERRORS = {
  access_denied: 'The sign-in service cancelled the sign-in.',
  state_mismatch: 'That sign-in was started in another browser, or took too long. Start again.',
  email_missing: 'The sign-in service did not tell your e-mail address, which is needed here.',
  email_unverified: 'The sign-in service has not confirmed your e-mail address yet. Confirm it there, then try again.',
  email_taken: 'There is an account with this e-mail address already. Sign in the way you did before.',
  not_provisioned: 'There is no account for you here yet. Ask for an invitation.',
  deactivated: 'This account was deactivated. Ask the person who runs this server.',
  provider_unavailable: 'The sign-in service cannot be reached. Try again in a moment.',
  unavailable: 'The server is busy. Try again in a moment.',
  session_ended: 'Your session has ended. Sign in to go on.',
};

const next = nextIn(location.search);
/** The token of the invitation that this tab has opened (see invite.js). */
const invitation = next === '/invite' ? sessionStorage.getItem('invitation') : null;
const known = () =>
  (invitation ? sessionStorage.getItem('invited') : new URLSearchParams(location.search).get('email')) ?? '';

/**
 * @param {string} name
 * @param {string} label
 * @param {string} autocomplete
 * @param {object} [more]
 */
const secret = (name, label, autocomplete, more = {}) =>
  field({ name, label, type: 'password', autocomplete, required: true, ...more });
const email = () =>
  field({
    name: 'email',
    label: 'E-mail',
    type: 'email',
    autocomplete: 'username',
    required: true,
    value: known(),
    maxlength: 254,
  });

async function goOn() {
  await adoptPreferences();
  location.replace(next);
}

/**
 * Gives the errors of signing in another message.
 * @param {unknown} error
 */
function explained(error) {
  if (!(error instanceof RequestError)) return error;
  if (error.code === 'invalid_credentials') error.message = 'The e-mail address or the password is wrong.';
  else if (error.status === 429) error.message = 'Too many attempts. Wait a minute, then try again.';
  return error;
}

/**
 * @param {Providers} offered
 * @param {string} [problem]
 */
function showSignIn(offered, problem = '') {
  const ways = [];
  if (offered.oidc) {
    const url = new URL(offered.oidc.login_url, location.origin);
    url.searchParams.set('next', next);
    ways.push(h('a', { class: 'button full', href: url.href }, `Continue with ${offered.oidc.name}`));
  }
  if (offered.oidc && offered.local) ways.push(h('p', { class: 'or' }, 'or'));
  if (offered.local) {
    const may = offered.registration === 'open' || (offered.registration === 'invited' && invitation);
    ways.push(
      ...cardForm(
        'Sign in',
        [email(), secret('password', 'Password', 'current-password')],
        async (values) => {
          try {
            await api.signIn(values.email, values.password);
          } catch (error) {
            const input = find($('card'), '[name="password"]', HTMLInputElement);
            if (input) input.value = '';
            throw explained(error);
          }
          await goOn();
        },
        [
          linkButton('Forgot your password?', () => showForgot(offered)),
          may && linkButton('Create an account', () => showRegister(offered)),
        ],
      ),
    );
  }
  if (ways.length === 0) ways.push(h('p', {}, 'Signing in is not set up on this server.'));
  if (offered.guests)
    ways.push(h('p', { class: 'below' }, h('a', { class: 'link', href: '/' }, 'Continue as a guest')));
  showCard('Sign in', problem && h('p', { class: 'form-alert', role: 'alert' }, problem), ways);
}

/**
 * @param {string} text
 * @param {HTMLElement} back
 */
const showMailed = (text, back) => showCard('Check your e-mail', h('p', {}, text), h('p', { class: 'below' }, back));

/** @param {Providers} offered */
function showRegister(offered) {
  // A server that mails links asks for name and password when the link is opened.
  const byMail = offered.mail && !invitation;
  showCard(
    'Create an account',
    cardForm(
      byMail ? 'Send the link' : 'Create account',
      byMail ? [email()] : personFields(email()),
      async (values) => {
        const made = await api.register({ ...values, ...(invitation ? { invitation } : {}) });
        if (made.user) await goOn();
        else
          showMailed(
            `A link that finishes your account is on its way to ${values.email}. It works for a day.`,
            linkButton('Back to sign-in', () => showSignIn(offered)),
          );
      },
      ['Have an account already? ', linkButton('Sign in', () => showSignIn(offered))],
    ),
  );
}

/** @param {Providers} offered */
function showForgot(offered) {
  const back = linkButton('Back to sign-in', () => showSignIn(offered));
  if (!offered.mail) {
    showCard(
      'Forgot your password?',
      h(
        'p',
        {},
        'This server sends no e-mail. Ask the person who runs it for a sign-in link: they make one with one click.',
      ),
      h('p', { class: 'below' }, back),
    );
    return;
  }
  showCard(
    'Forgot your password?',
    h('p', {}, 'We send you a link that lets you choose a new one.'),
    cardForm(
      'Send the link',
      [email()],
      async ({ email: to }) => {
        await api.forgotPassword(to);
        showMailed(`If ${to} has an account here, a link is on its way. It works for an hour.`, back);
      },
      [back],
    ),
  );
}

async function load() {
  const link = takeLink();
  if (link) {
    showLink(link, goOn);
    return;
  }
  const error = new URLSearchParams(location.search).get('error');
  const [offered, who] = await Promise.all([api.providers(), api.me().catch(() => null)]);
  if (who?.kind === 'user' && !error) {
    await goOn();
    return;
  }
  if (invitation && !who?.has_password && new URLSearchParams(location.search).get('new') === '1')
    showRegister(offered);
  else
    showSignIn(
      offered,
      error
        ? (ERRORS[error] ??
            'The sign-in service sent an unexpected answer. Try again, or tell the person who runs this server.')
        : '',
    );
}

function start() {
  load().catch((error) =>
    showCard('Sign in', h('p', { class: 'form-alert', role: 'alert' }, messageOf(error)), retryButton(start)),
  );
}

// Another link that is opened in this tab changes only the fragment.
bindThemeButton($('theme'));
addEventListener('hashchange', start);
start();
