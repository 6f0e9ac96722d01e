/** The header of the pages for people with an account: the current user and the menus. */
import * as api from '../lib/api.js';
import { bring } from '../lib/bring.js';
import { signInPage } from '../lib/addresses.js';
import { $, find, h } from '../lib/dom.js';
import { counted } from '../lib/format.js';
import { memory } from '../lib/identity.js';
import { forgetAccount, ownUnsent } from '../lib/kept-answers.js';
import { startWorker } from '../lib/offline.js';
import { listenForCommands } from '../lib/commands.js';
import { bindMenu } from './menu.js';
import { avatar } from '../lib/pictures.js';
import { bindQuick } from './quick-open.js';
import { statusOf } from '../lib/request.js';
import { bindThemeButton, onThemeChosen } from '../lib/theme.js';

/** @import { CurrentUser } from '../lib/types.js' */

export const SITE = 'collab_server';

/** Keeps the theme and the language of the account in this browser, after signing in. */
export async function adoptPreferences() {
  const preferences = await api.preferences().catch(() => null);
  if (!preferences) return;
  const { theme, language } = preferences;
  if (theme) memory.set('theme', theme === 'system' ? null : theme);
  if (language) memory.set('language', language);
}

export const forgetPerson = () => ['workspace', 'language'].forEach((key) => memory.set(key, null));

/** Signs out, and deletes what this browser keeps of the account. */
export async function signOut() {
  const unsent = ownUnsent().length;
  if (unsent > 0) {
    const { confirmDialog } = await bring(() => import('./dialog.js'));
    const isSure = await confirmDialog({
      title: 'Sign out and lose text?',
      text: `${counted(unsent, 'document')} in this browser ${unsent === 1 ? 'has' : 'have'} text that was written without a connection and has not reached the server. Signing out deletes it. Open these documents with a connection to keep it.`,
      verb: 'Sign out and delete',
      act: () => {},
    });
    if (!isSure) return;
  }
  forgetAccount({ unsentToo: true });
  await api.signOut().catch(() => {});
  forgetPerson();
  location.assign('/signin');
}

/** @param {CurrentUser} user */
function accountMenu(user) {
  const button = h(
    'button',
    {
      class: 'account-button',
      type: 'button',
      id: 'account',
      'aria-label': `Account of ${user.name}`,
      title: user.name,
    },
    avatar({ name: user.name, picture: user.avatar_url, kind: 'own' }),
  );
  bindMenu(button, () => [
    { heading: user.email ?? user.name },
    { label: 'Your account', icon: 'person', href: '/account' },
    user.is_admin && { label: 'Administration', icon: 'shield', href: '/admin' },
    'line',
    { label: 'Sign out', icon: 'leave', act: signOut },
  ]);
  return button;
}

/**
 * Finds the current user and fills the header (#bar).
 * @param {boolean} needsAccount others than people with an account are led to the sign-in page
 * @returns {Promise<CurrentUser | null>} null when the page is being left
 */
async function enter(needsAccount) {
  const user = await api.me().catch((error) => {
    if (error.status !== 401 || !needsAccount) throw error;
    return null;
  });
  if (needsAccount && user?.kind !== 'user') {
    location.replace(signInPage());
    return null;
  }
  if (user?.kind === 'user') {
    api.onSignedOut(() => location.assign(signInPage()));
    $('bar').append(accountMenu(user));
    bring(() => import('./inbox.js')).then(({ bindInbox }) => bindInbox((bell) => $('account').before(bell)));
    onThemeChosen($('theme'), (theme) => {
      api.changePreferences({ theme }).catch(() => {});
    });
    bindQuick($('theme'));
  } else if (user?.kind === 'guest') {
    api.providers().then(
      ({ local, oidc }) => {
        if (local || oidc) $('bar').append(h('a', { class: 'button quiet', href: signInPage() }, 'Sign in'));
      },
      () => {},
    );
  }
  return user;
}

/**
 * Starts a page: fills the header, then calls `show` with the current user. Where a request fails, the page says so; its
 * button "Try again" calls `show` once more.
 * @param {(user: CurrentUser) => unknown} show
 * @param {object} [options]
 * @param {boolean} [options.needsAccount] others than people with an account are led to the sign-in page
 * @param {() => void} [options.whenSignedOut] called where the server answers 401
 */
export function startPage(show, { needsAccount = false, whenSignedOut } = {}) {
  bindThemeButton($('theme'));
  /** @type {CurrentUser | null} */
  let user = null;
  const start = async () => {
    try {
      user ??= await enter(needsAccount);
      if (user) await show(user);
    } catch (error) {
      if (whenSignedOut && statusOf(error) === 401) whenSignedOut();
      else showFailure(error, start);
    }
  };
  start();
  listenForCommands();
  startWorker();
}

/**
 * Shows what kept the page from loading, in the place of its content. A button tries again.
 * @param {unknown} error a RequestError, or an object with a status
 * @param {() => void} [retry] sends the failed request again
 */
export function showFailure(error, retry) {
  const status = error instanceof Object && 'status' in error ? error.status : undefined;
  const isMissing = status === 404 || status === 403;
  const isRequest = error instanceof api.RequestError;
  const text = isRequest ? error.message : 'Something went wrong in this page.';
  const main = /** @type {HTMLElement} */ (document.querySelector('main'));
  const again = () => {
    // After another error than that of a request it is unknown what the page has done: it must start anew.
    if (!isRequest || !retry) {
      location.reload();
      return;
    }
    slate.remove();
    delete main.dataset.failed;
    document.body.dataset.state = 'loading';
    retry();
  };
  const slate = h(
    'div',
    { class: 'blank-slate failure', role: 'alert' },
    h('h2', {}, isMissing ? 'Nothing here for you' : 'This page could not be loaded'),
    h('p', {}, isMissing ? 'It does not exist, or you do not have access to it.' : text),
    isMissing
      ? h('a', { class: 'button', href: '/' }, 'All documents')
      : h('button', { class: 'button', type: 'button', onclick: again }, 'Try again'),
  );
  find(main, '.failure')?.remove();
  main.append(slate);
  main.dataset.failed = '';
  document.body.dataset.state = 'failed';
  if (!isMissing && !isRequest) throw error;
}

/**
 * Makes a dot in the colour of a workspace.
 * @param {string | null | undefined} colour
 */
export function swatch(colour) {
  const dot = h('span', { class: 'swatch', 'aria-hidden': 'true' });
  if (colour && /^#[0-9a-f]{6}$/i.test(colour)) dot.style.setProperty('--swatch', colour);
  return dot;
}
