/** The menu of the editor page for people without an account: what those may use who read. */
import { moreButton } from '../components/menu.js';
import { signInPage } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { commandsOf, offer } from '../lib/commands.js';
import { $, h } from '../lib/dom.js';
import { historyMenu } from './history-tools.js';

/** @import { Items } from '../components/menu.js' */
/** @import { Session } from './session.js' */

/**
 * @param {Session} session
 * @param {() => Items} further entries of the menu
 * @param {{ isByLink: boolean }} how whether the guest came by a link
 */
export function bindGuest(session, further, { isByLink }) {
  const history = historyMenu(session, null);
  const items = () => [...history(), ...further()];
  offer(() => (session.details ? commandsOf('Document', items()) : []));
  const more = moreButton('Document menu', items);
  const show = () => {
    more.hidden = !session.details;
  };
  session.addEventListener('details', show);
  show();
  $('theme').before(more);
  if (isByLink) offerSignIn();
}

/** Whoever signs in comes back, and has the rights of the link besides their own. */
async function offerSignIn() {
  const { local, oidc } = await api.providers().catch(() => ({ local: false, oidc: null }));
  if (local || oidc) $('theme').after(h('a', { class: 'button sign-in', href: signInPage() }, 'Sign in'));
}
