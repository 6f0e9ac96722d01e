/** The page of an invitation: accepts or declines it, after signing in or registering where that is needed. */
import { cardForm, linkButton, retryButton, showCard } from '../components/card.js';
import { alertLine, tell } from '../components/form.js';
import { signInPage, workspacePage } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { $, find, h } from '../lib/dom.js';
import { memory } from '../lib/identity.js';
import { messageOf, statusOf } from '../lib/request.js';
import { roleName } from '../lib/roles.js';
import { bindThemeButton } from '../lib/theme.js';

/** @import { CurrentUser, Providers, ReceivedInvitation } from '../lib/types.js' */

const KEPT = 'invitation';
/** @type {Record<string, string>} */
const WHAT = {
  owner: 'do everything',
  admin: 'work on documents, invite people and manage the workspace',
  editor: 'write documents',
  commenter: 'read and comment on documents',
  viewer: 'read documents',
};

/** The token in /invite#token=... It is kept for this tab, for the way through the sign-in page. */
function token() {
  const found = new URLSearchParams(location.hash.slice(1)).get('token');
  if (found) sessionStorage.setItem(KEPT, found);
  history.replaceState(null, '', '/invite');
  return found ?? sessionStorage.getItem(KEPT);
}

/** @param {any} person */
const nameOf = (person) => (typeof person === 'string' ? person : (person?.name ?? person?.display_name));

function showInvalid() {
  sessionStorage.removeItem(KEPT);
  showCard(
    'This invitation does not work any more',
    h('p', {}, 'It was used or revoked, or it is too old. Ask the person who invited you for a new one.'),
    h('a', { class: 'button full', href: '/' }, 'All documents'),
  );
}

/**
 * @param {CurrentUser | null} who
 * @param {Providers} offered
 * @param {ReceivedInvitation} found
 * @param {string} secret
 */
function showFor(who, offered, found, secret) {
  const by = nameOf(found.invited_by);
  const left =
    found.expires_at &&
    h(
      'p',
      { class: 'quiet' },
      `The invitation was sent to ${found.email}. It is valid until ${new Intl.DateTimeFormat('en', { dateStyle: 'long' }).format(new Date(found.expires_at))}.`,
    );
  const what = h(
    'p',
    {},
    by ? `${by} invites you` : 'You are invited',
    ' to ',
    h('b', {}, found.workspace_name),
    `, as ${roleName(found.role).toLowerCase()}: you can ${WHAT[found.role] ?? 'take part'}.`,
  );
  const decline = linkButton('Decline', async () => {
    try {
      await api.declineByToken(secret);
      sessionStorage.removeItem(KEPT);
      showCard(
        'Invitation declined',
        h('p', {}, 'The person who invited you can see that.'),
        h('a', { class: 'button full', href: '/' }, 'All documents'),
      );
    } catch (error) {
      const line = find($('card'), '.form-alert');
      if (line) tell(line, messageOf(error));
    }
  });
  if (who?.kind !== 'user') {
    sessionStorage.setItem('invited', found.email);
    const page = '/signin?next=/invite';
    const registers = !found.has_account && offered.local && offered.registration !== 'closed';
    showCard(
      `Join ${found.workspace_name}`,
      what,
      found.message && h('blockquote', {}, found.message),
      left,
      alertLine(),
      h(
        'div',
        { class: 'stack' },
        registers && h('a', { class: 'button primary full', href: `${page}&new=1` }, 'Create an account to accept'),
        h(
          'a',
          { class: registers ? 'button full' : 'button primary full', href: page },
          registers ? 'I have an account' : 'Sign in to accept',
        ),
      ),
      h('p', { class: 'below' }, decline),
    );
    return;
  }
  const form = cardForm(
    'Accept',
    [],
    async () => {
      const joined = await api.acceptByToken(secret);
      sessionStorage.removeItem(KEPT);
      memory.set('workspace', joined.id);
      location.assign(workspacePage(joined));
    },
    [decline],
  );
  const other =
    who.email &&
    found.email &&
    who.email.toLowerCase() !== found.email.toLowerCase() &&
    h(
      'p',
      { class: 'form-alert' },
      `You are signed in as ${who.email}. `,
      linkButton('Sign in as somebody else', async () => {
        await api.signOut();
        location.assign(signInPage('/invite'));
      }),
    );
  showCard(
    `Join ${found.workspace_name}`,
    what,
    found.message && h('blockquote', {}, found.message),
    left,
    other,
    form,
  );
}

async function start() {
  const secret = token();
  if (!secret) {
    showInvalid();
    return;
  }
  try {
    const [who, offered, found] = await Promise.all([
      api.me().catch(() => null),
      api.providers(),
      api.invitationOf(secret),
    ]);
    showFor(who, offered, found, secret);
  } catch (error) {
    const status = statusOf(error) ?? 0;
    if (status === 0 || status >= 500 || status === 429) {
      showCard('The invitation could not be loaded', h('p', {}, messageOf(error)), retryButton(start));
    } else showInvalid();
  }
}

bindThemeButton($('theme'));
// Another link that is opened in this tab changes only the fragment.
addEventListener('hashchange', start);
start();
