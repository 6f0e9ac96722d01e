/** The page of a link to a document: asks for a name and a password where they are needed, and leads to the document. */
import { cardForm, retryButton, showCard } from '../components/card.js';
import { field } from '../components/form.js';
import { showOpened } from '../components/opened-list.js';
import { pageOf } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { $, find, h } from '../lib/dom.js';
import { counted } from '../lib/format.js';
import { NAME_LIMIT, memory, ownIdentity, tidyName } from '../lib/identity.js';
import { findOpened, forgetOpened, keepOpened } from '../lib/opened-links.js';
import { RequestError } from '../lib/request.js';
import { openShare } from '../lib/shares-api.js';
import { bindThemeButton } from '../lib/theme.js';

/** @import { Opened } from '../lib/opened-links.js' */
/** @import { Providers } from '../lib/types.js' */

const KEPT = 'collab:link';
/** Where a link to many documents is kept, besides each of its documents. */
const MANY = 'many';
const TITLE = 'A document is shared with you';
const ASK = 'Ask the person who sent you the link for a new one.';
/** What an answer says that no password changes: a heading and a text. @type {Record<string, [string, string]>} */
const VERDICTS = {
  share_ended: ['This link has ended', `It was revoked, or its time is over. ${ASK}`],
  share_used_up: ['This link is used up', `It was opened as often as it may be. ${ASK}`],
  not_found: [
    'This link does not work',
    'There is no such link. Its address may be incomplete: copy all of it, and open it again.',
  ],
};

let secret = '';

/** Takes the token out of the page's address. It is kept for this tab, for the way through the sign-in page. */
function takeToken() {
  const inAddress = location.pathname.match(/^\/s\/([^/]+)\/?$/)?.[1];
  history.replaceState(null, '', '/s');
  try {
    if (inAddress) sessionStorage.setItem(KEPT, decodeURIComponent(inAddress));
    secret = sessionStorage.getItem(KEPT) ?? '';
  } catch {
    // The browser keeps nothing, or the address is broken.
    secret = inAddress ?? '';
  }
}

function forgetToken() {
  try {
    sessionStorage.removeItem(KEPT);
  } catch {
    // Nothing was kept.
  }
}

/**
 * @param {string} title
 * @param {string} text
 */
function showVerdict(title, text) {
  forgetToken();
  showCard(title, h('p', {}, text), h('a', { class: 'button full', href: '/' }, 'All documents'));
}

/** @param {RequestError} error */
function wordsOf(error) {
  if (error.status === 429) {
    const { retryAfter: wait } = error;
    return `Too many attempts. Try again in ${wait > 90 ? counted(Math.ceil(wait / 60), 'minute') : counted(wait || 60, 'second')}.`;
  }
  return error.code === 'invalid_credentials' ? 'The password is wrong.' : error.message;
}

/**
 * Opens the link, and goes to its document. Throws a RequestError where another attempt may help.
 * @param {{ name?: string, password?: string }} given
 */
async function open({ name, password }) {
  const made = await openShare({
    token: secret,
    ...(name && { name }),
    ...(password && { password }),
  });
  const { token, document_id: document, expires_at: end, title } = made;
  /** @type {Opened} */
  const opened = { token, named: Boolean(name), expires_at: end, title };
  try {
    keepOpened(document ?? MANY, opened);
  } catch {
    showVerdict(
      'This browser keeps nothing',
      'The link was opened, but the browser refuses to keep data of this site until the document is shown. Allow it, then open the link again.',
    );
    return;
  }
  forgetToken();
  if (document === null) await showOpened(opened);
  else location.replace(pageOf(document));
}

/**
 * Opens the link. Shows a verdict, or the form with a field for the password where one is needed.
 * @param {{ name?: string, password?: string }} given
 * @param {Asked} asked
 */
async function tryToOpen(given, asked) {
  try {
    await open(given);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const verdict = VERDICTS[error.code];
    if (verdict) showVerdict(...verdict);
    else if (error.code === 'share_password_required') showForm({ ...asked, name: given.name, needsPassword: true });
    else {
      // An empty field gets the focus.
      const password = find($('card'), '[name="password"]', HTMLInputElement);
      if (password && error.code === 'invalid_credentials') password.value = '';
      throw new RequestError(error.status, error.code, wordsOf(error), error.retryAfter);
    }
  }
}

/**
 * What a person is asked for. `isGuest`: others see the name that they choose. `name`: it, if they have chosen it.
 * @typedef {{ isGuest: boolean, needsPassword: boolean, name?: string, offered: Providers | null }} Asked
 */

/** @param {Asked} asked */
function showForm(asked) {
  const { isGuest, needsPassword, name = ownIdentity().name, offered } = asked;
  const signsIn = isGuest && (offered?.local || offered?.oidc);
  showCard(
    TITLE,
    h(
      'p',
      {},
      needsPassword
        ? 'The link has a password. The person who sent it can tell you.'
        : 'You need no account. Others see the name that you choose here.',
    ),
    cardForm(
      isGuest ? 'Continue as guest' : 'Open the document',
      [
        isGuest &&
          field({ name: 'name', label: 'Your name', value: name, maxlength: NAME_LIMIT, autocomplete: 'nickname' }),
        needsPassword &&
          field({ name: 'password', label: 'Password', type: 'password', required: true, autocomplete: 'off' }),
      ],
      async (given) => {
        const chosen = isGuest ? tidyName(given.name) : '';
        if (chosen) memory.set('name', chosen);
        await tryToOpen({ name: chosen, password: given.password }, asked);
      },
      signsIn
        ? [h('span', {}, 'Have an account? ', h('a', { class: 'link', href: '/signin?next=/s' }, 'Sign in'))]
        : undefined,
    ),
  );
  if (!needsPassword) find($('card'), 'input', HTMLInputElement)?.select();
}

async function start() {
  const many = secret ? null : findOpened(MANY);
  if (!secret && !many) {
    showVerdict(...VERDICTS.not_found);
    return;
  }
  try {
    if (many) {
      await showOpened(many);
      return;
    }
    const [who, offered] = await Promise.all([
      api.me().catch((error) => {
        if (error.status !== 401) throw error;
        return null;
      }),
      api.providers().catch(() => null),
    ]);
    const asked = { isGuest: who?.kind !== 'user', needsPassword: false, offered };
    if (asked.isGuest) showForm(asked);
    else await tryToOpen({}, asked);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    const verdict = VERDICTS[error.code];
    if (verdict) {
      forgetOpened(MANY);
      showVerdict(...verdict);
    } else showCard('The link could not be opened', h('p', { role: 'alert' }, wordsOf(error)), retryButton(start));
  }
}

takeToken();
bindThemeButton($('theme'));
start();
