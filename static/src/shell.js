/** What every page for people with an account shares: who is here, the workspace they are in, the menus of the header. */
import * as api from './api.js';
import { signInPage } from './addresses.js';
import { $, h } from './dom.js';
import { memory } from './identity.js';
import { bindMenu } from './menu.js';
import { initials } from './prose.js';
import { bindQuick } from './quick.js';
import { bindThemeButton, onThemeChosen } from './theme.js';

export const SITE = 'collab_server';

/** After signing in: the theme and language that the account asks for, into this browser. */
export async function adoptPreferences() {
  const { theme, language } = await api.preferences().catch(() => ({}));
  if (theme) memory.set('theme', theme === 'system' ? null : theme);
  if (language) memory.set('language', language);
}

export const forgetPerson = () => ['workspace', 'language'].forEach((key) => memory.set(key, null));

async function leave() {
  await api.signOut().catch(() => {});
  forgetPerson();
  location.assign('/signin');
}

function accountMenu(who) {
  const button = h('button', { class: 'account-button', type: 'button', id: 'account', 'aria-label': `Account of ${who.name}`, title: who.name },
    h('span', { class: 'avatar own', 'aria-hidden': 'true', 'data-initials': initials(who.name) }));
  bindMenu(button, () => [
    { heading: who.email ?? who.name },
    { label: 'Your account', icon: 'person', href: '/account' },
    ...(who.is_admin ? [{ label: 'Administration', icon: 'shield', href: '/admin' }] : []),
    'line',
    { label: 'Sign out', icon: 'leave', act: leave },
  ]);
  return button;
}

/**
 * Finds out who is here and fills the header (#bar).
 * @param {{account?: boolean}} options account: the page is for people with an account; others go to the sign-in page
 * @returns {Promise<object | null>} what auth/me says; null when the page is being left
 */
export async function enter({ account = false } = {}) {
  bindThemeButton($('theme'));
  let who;
  try {
    who = await api.me();
  } catch (error) {
    if (error.status !== 401 || !account) throw error;
  }
  if (account && who?.kind !== 'user') {
    location.replace(signInPage());
    return null;
  }
  if (who.kind === 'user') {
    api.onSignedOut(() => location.assign(signInPage()));
    $('bar').append(accountMenu(who));
    onThemeChosen($('theme'), (theme) => api.changePreferences({ theme }).catch(() => {}));
    bindQuick($('theme'));
  } else if (who.kind === 'guest') {
    api.providers().then(({ local, oidc }) => {
      if (local || oidc) $('bar').append(h('a', { class: 'button quiet', href: signInPage() }, 'Sign in'));
    }, () => {});
  }
  return who;
}

/** Shows what kept the page from loading, with a way to try again. */
export function showFailure(error, where = document.querySelector('main')) {
  const missing = error.status === 404 || error.status === 403;
  where.replaceChildren(h('div', { class: 'blank-slate', role: 'alert' },
    h('h2', {}, missing ? 'Nothing here for you' : 'This page could not be loaded'),
    h('p', {}, missing ? 'It does not exist, or you do not have access to it.' : error.message),
    missing
      ? h('a', { class: 'button', href: '/' }, 'All documents')
      : h('button', { class: 'button', type: 'button', onclick: () => location.reload() }, 'Try again')));
  document.body.dataset.state = 'failed';
}

/** @returns {HTMLElement} a dot in the workspace's colour */
export function swatch(colour) {
  const dot = h('span', { class: 'swatch', 'aria-hidden': 'true' });
  if (/^#[0-9a-f]{6}$/i.test(colour ?? '')) dot.style.setProperty('--swatch', colour);
  return dot;
}

