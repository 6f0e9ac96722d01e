/** The menu of the editor page for people without an account: what those may use who read. */
import { moreButton } from '../components/menu.js';
import { $ } from '../lib/dom.js';
import { historyMenu } from './history-tools.js';

/** @import { Items } from '../components/menu.js' */
/** @import { Session } from './session.js' */

/**
 * @param {Session} session
 * @param {() => Items} further entries of the menu
 */
export function bindGuest(session, further) {
  const history = historyMenu(session, null);
  const more = moreButton('Document menu', () => [...history(), ...further()]);
  const show = () => {
    more.hidden = !session.details;
  };
  session.addEventListener('details', show);
  show();
  $('theme').before(more);
}
