/** An invitation: what it is for, and accepting or declining it, after signing in or registering where that is needed. */
import { signInPage, workspacePage } from './addresses.js';
import * as api from './api.js';
import { $, h } from './dom.js';
import { alertLine, bindForm } from './form.js';
import { SITE } from './shell.js';
import { memory } from './identity.js';
import { roleName } from './switcher.js';
import { bindThemeButton } from './theme.js';

const KEPT = 'invitation';
const WHAT = {
  owner: 'do everything', admin: 'work on documents, invite people and manage the workspace', editor: 'write documents', commenter: 'read and comment on documents', viewer: 'read documents',
};

/** From /invite#token=...; kept for this tab only, for the way through the sign-in page. */
function token() {
  const found = new URLSearchParams(location.hash.slice(1)).get('token');
  if (found) sessionStorage.setItem(KEPT, found);
  history.replaceState(null, '', '/invite');
  return found ?? sessionStorage.getItem(KEPT);
}

function show(title, ...content) {
  document.title = `${title} · ${SITE}`;
  $('card').replaceChildren(h('h1', { tabindex: '-1' }, title), ...content.filter(Boolean));
  document.body.dataset.state = 'ready';
  $('card').querySelector('h1').focus();
}

const nameOf = (person) => (typeof person === 'string' ? person : person?.name ?? person?.display_name);

function showInvalid() {
  sessionStorage.removeItem(KEPT);
  show('This invitation does not work any more', h('p', {}, 'It was used, withdrawn, or it is too old. Ask the person who invited you for a new one.'),
    h('a', { class: 'button full', href: '/' }, 'All documents'));
}

function showFor(who, offered, found, secret) {
  const by = nameOf(found.invited_by);
  const left = found.expires_at && h('p', { class: 'quiet' }, `The invitation was sent to ${found.email}. It is valid until ${new Intl.DateTimeFormat('en', { dateStyle: 'long' }).format(new Date(found.expires_at))}.`);
  const what = h('p', {}, by ? `${by} invites you` : 'You are invited', ' to ', h('b', {}, found.workspace_name), `, as ${roleName(found.role).toLowerCase()}: you can ${WHAT[found.role] ?? 'take part'}.`);
  const decline = h('button', { class: 'link', type: 'button' }, 'Decline');
  decline.addEventListener('click', async () => {
    try {
      await api.declineByToken(secret);
      sessionStorage.removeItem(KEPT);
      show('Invitation declined', h('p', {}, 'The person who invited you can see that.'), h('a', { class: 'button full', href: '/' }, 'All documents'));
    } catch (error) {
      const line = $('card').querySelector('.form-alert');
      line.textContent = error.message;
      line.hidden = false;
    }
  });
  if (who?.kind !== 'user') {
    sessionStorage.setItem('invited', found.email);
    const page = '/signin?next=/invite';
    const registers = !found.has_account && offered.local && offered.registration !== 'closed';
    show(`Join ${found.workspace_name}`, what, found.message && h('blockquote', {}, found.message), left, alertLine(),
      h('div', { class: 'stack' },
        registers && h('a', { class: 'button primary full', href: `${page}&new=1` }, 'Create an account to accept'),
        h('a', { class: registers ? 'button full' : 'button primary full', href: page }, registers ? 'I have an account' : 'Sign in to accept')),
      h('p', { class: 'below' }, decline));
    return;
  }
  const form = h('form', { class: 'form' }, alertLine(), h('button', { class: 'button primary full', type: 'submit' }, 'Accept'));
  bindForm(form, async () => {
    const joined = await api.acceptByToken(secret);
    sessionStorage.removeItem(KEPT);
    memory.set('workspace', joined.id);
    location.assign(workspacePage(joined));
  });
  const other = who.email && found.email && who.email.toLowerCase() !== found.email.toLowerCase()
    && h('p', { class: 'form-alert' }, `You are signed in as ${who.email}. `, h('button', {
      class: 'link',
      type: 'button',
      onclick: async () => {
        await api.signOut();
        location.assign(signInPage('/invite'));
      },
    }, 'Sign in as somebody else'));
  show(`Join ${found.workspace_name}`, what, found.message && h('blockquote', {}, found.message), left, other, form, h('p', { class: 'below' }, decline));
}

async function start() {
  bindThemeButton($('theme'));
  const secret = token();
  if (!secret) {
    showInvalid();
    return;
  }
  try {
    const [who, offered, found] = await Promise.all([api.me().catch(() => null), api.providers(), api.invitationOf(secret)]);
    showFor(who, offered, found, secret);
  } catch (error) {
    if (error.status === 0 || error.status >= 500 || error.status === 429) {
      show('The invitation could not be loaded', h('p', {}, error.message), h('button', {
        class: 'button full', type: 'button', onclick: () => location.reload(),
      }, 'Try again'));
    } else showInvalid();
  }
}

// Another link, opened in this tab: the address differs behind the # only.
addEventListener('hashchange', () => location.reload());
start();

