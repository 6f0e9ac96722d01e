/** Signing in: by password, through a provider, by a one-time link; setting a new password; registering. */
import { nextIn } from './addresses.js';
import * as api from './api.js';
import { $, h } from './dom.js';
import { alertLine, bindForm, field } from './form.js';
import { newPasswordField, revokeTokensField } from './passwords.js';
import { SITE, adoptPreferences } from './shell.js';
import { bindThemeButton } from './theme.js';

/** What the provider's way back may end in (?error=). */
const ERRORS = {
  access_denied: 'The sign-in was cancelled at the other side.',
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
/** The invitation that this tab came with (see invite.js). */
const invitation = next === '/invite' ? sessionStorage.getItem('invitation') : null;
const known = () => (invitation ? sessionStorage.getItem('invited') : new URLSearchParams(location.search).get('email')) ?? '';

const secret = (name, label, autocomplete, more = {}) => field({ name, label, type: 'password', autocomplete, required: true, ...more });
const email = () => field({ name: 'email', label: 'E-mail', type: 'email', autocomplete: 'username', required: true, value: known(), maxlength: 254 });

function show(title, ...content) {
  document.title = `${title} · ${SITE}`;
  $('card').replaceChildren(h('h1', { tabindex: '-1' }, title), ...content.flat().filter(Boolean));
  document.body.dataset.state = 'ready';
  const first = [...$('card').querySelectorAll('input')].find((input) => input.value === '');
  (first ?? $('card').querySelector('h1')).focus();
}

const form = (verb, fields, act, below) => {
  const element = h('form', { class: 'form' }, ...fields, alertLine(), h('button', { class: 'button primary full', type: 'submit' }, verb));
  bindForm(element, act);
  return [element, below && h('p', { class: 'below' }, ...below)];
};

const button = (text, act) => h('button', { type: 'button', class: 'link', onclick: act }, text);

async function goOn(path = next) {
  await adoptPreferences();
  location.replace(path);
}

/** A refused password says so in words that help; anything else is the server's to explain. */
function explained(error) {
  if (error.code === 'invalid_credentials') error.message = 'The e-mail address or the password is wrong.';
  else if (error.status === 429) error.message = 'Too many attempts. Wait a minute, then try again.';
  return error;
}

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
    ways.push(...form('Sign in', [email(), secret('password', 'Password', 'current-password')], async (values) => {
      try {
        await api.signIn(values.email, values.password);
      } catch (error) {
        $('card').querySelector('[name="password"]').value = '';
        throw explained(error);
      }
      await goOn();
    }, [button('Forgot your password?', () => showForgot(offered)), may && button('Create an account', () => showRegister(offered))].filter(Boolean)));
  }
  if (ways.length === 0) ways.push(h('p', {}, 'Signing in is not set up on this server.'));
  if (offered.guests) ways.push(h('p', { class: 'below' }, h('a', { class: 'link', href: '/' }, 'Continue as a guest')));
  show('Sign in', problem && h('p', { class: 'form-alert', role: 'alert' }, problem), ways);
}

const showMailed = (text, back) => show('Look into your mail', h('p', {}, text), h('p', { class: 'below' }, back));

const personFields = (middle) => [
  field({ name: 'display_name', label: 'Your name', autocomplete: 'name', maxlength: 100, required: true }), middle,
  newPasswordField({ name: 'password', label: 'Password' }),
].filter(Boolean);

function showRegister(offered) {
  // Where a link is mailed, name and password are asked for behind it: by then it is known who opens it.
  const byMail = offered.mail && !invitation;
  show('Create an account', form(byMail ? 'Send the link' : 'Create account', byMail ? [email()] : personFields(email()), async (values) => {
    const made = await api.register({ ...values, ...(invitation ? { invitation } : {}) });
    if (made.user) await goOn();
    else showMailed(`A link that finishes your account is on its way to ${values.email}. It works for a day.`, button('Back to sign-in', () => showSignIn(offered)));
  }, ['Have an account already? ', button('Sign in', () => showSignIn(offered))]));
}

function showForgot(offered) {
  const back = button('Back to sign-in', () => showSignIn(offered));
  if (!offered.mail) {
    show('Forgot your password?', h('p', {}, 'This server sends no e-mail. Ask the person who runs it for a sign-in link: they make one with one click.'), h('p', { class: 'below' }, back));
    return;
  }
  show('Forgot your password?', h('p', {}, 'We send you a link that lets you choose a new one.'), form('Send the link', [email()], async ({ email: to }) => {
    await api.forgotPassword(to);
    showMailed(`If ${to} has an account here, a link is on its way. It works for an hour.`, back);
  }, [back]));
}

/**
 * The secret of a link stands in the fragment (#link=, #reset=, #register=), which no server and no log sees; it leaves
 * the address bar at once. @returns {{purpose: 'link' | 'reset' | 'register', secret: string} | null}
 */
function fromLink() {
  const given = new URLSearchParams(location.hash.slice(1));
  const path = location.pathname.match(/^\/signin\/(link|reset)$/)?.[1];
  const purpose = path ?? ['link', 'reset', 'register'].find((name) => given.has(name));
  if (!purpose) return null;
  history.replaceState(null, '', '/signin');
  return { purpose, secret: given.get(purpose) ?? given.get('token') ?? '' };
}

function showSpent(text) {
  show('This link does not work any more', h('p', {}, text), h('a', { class: 'button full', href: '/signin' }, 'Go to sign-in'));
}

function showLink(token) {
  // A link opened by a mail scanner must not use itself up: signing in takes a click.
  show('Welcome', h('p', {}, 'This link signs you in, once.'), form('Sign in', [], async () => {
    try {
      const { user } = await api.signInByLink(token);
      if (user.has_password || !(await api.providers()).local) await goOn();
      else showFirstPassword(user);
    } catch (error) {
      if (![400, 401, 404, 409, 410, 422].includes(error.status)) throw error;
      showSpent('It was used already, or it is too old. Ask for a new one.');
    }
  }));
}

function showFirstPassword(user) {
  const skip = button('Not now', () => goOn());
  const name = h('input', { type: 'email', name: 'username', value: user.email, autocomplete: 'username', readonly: true, class: 'visually-hidden', tabindex: '-1', 'aria-hidden': 'true' });
  show('Choose a password', h('p', {}, `You are signed in as ${user.email}. With a password you can come back without a link.`),
    form('Save password', [name, newPasswordField({ label: 'Password' })], async ({ new_password: chosen }) => {
      await api.changePassword({ new_password: chosen });
      await goOn();
    }, [skip]));
}

function showFinish(token) {
  show('Finish your registration', form('Create account', personFields(), async (values) => {
    try {
      await api.finishRegistration({ token, ...values });
    } catch (error) {
      if (![400, 401, 404, 409, 410].includes(error.status)) throw error;
      showSpent(error.status === 409 ? 'Its address has an account by now. Sign in, or set a new password there.' : 'It was used already, or it is too old. Ask for a new one at sign-in.');
      return;
    }
    await goOn();
  }));
}

function showReset(token) {
  show('Choose a new password', h('p', {}, 'You are signed out everywhere else when it is saved.'), form('Save password', [newPasswordField(), revokeTokensField(true)], async (values) => {
    try {
      await api.resetPassword({ token, ...values });
    } catch (error) {
      if (![400, 401, 404, 409, 410].includes(error.status)) throw error;
      showSpent('It was used already, or it is too old. Ask for a new one at sign-in.');
      return;
    }
    await goOn();
  }));
}

async function start() {
  bindThemeButton($('theme'));
  const link = fromLink();
  if (link) {
    if (!link.secret) showSpent('It is incomplete. Copy all of it from the message, and open it again.');
    else if (link.purpose === 'link') showLink(link.secret);
    else if (link.purpose === 'register') showFinish(link.secret);
    else showReset(link.secret);
    return;
  }
  const error = new URLSearchParams(location.search).get('error');
  const [offered, who] = await Promise.all([api.providers(), api.me().catch(() => null)]);
  if (who?.kind === 'user' && !error) {
    await goOn();
    return;
  }
  if (invitation && !who?.has_password && new URLSearchParams(location.search).get('new') === '1') showRegister(offered);
  else showSignIn(offered, error ? ERRORS[error] ?? 'The sign-in service and this server do not agree. Try again, or tell the person who runs this server.' : '');
}

// Another link, opened in this tab: the address differs behind the # only.
addEventListener('hashchange', () => location.reload());
start().catch((error) => {
  show('Sign in', h('p', { class: 'form-alert', role: 'alert' }, error.message), h('button', { class: 'button full', type: 'button', onclick: () => location.reload() }, 'Try again'));
});
