/** One's own account: profile, password, how pages look, sessions, API tokens, leaving. */
import * as api from './api.js';
import { workspacePage } from './addresses.js';
import { copyDialog, confirmDialog, formDialog } from './dialog.js';
import { h } from './dom.js';
import { newPasswordField, revokeTokensField } from './passwords.js';
import { memory } from './identity.js';
import { clock } from './rows.js';
import { deed, pagedList, section, settingsForm, showSections } from './settings.js';
import { enter, forgetPerson, showFailure } from './shell.js';
import { THEMES, chooseTheme } from './theme.js';
import { toast, tryTo } from './toast.js';
import { deviceOf } from './devices.js';

const LANGUAGES = {
  en: 'English', de: 'Deutsch', fr: 'Français', es: 'Español', it: 'Italiano', nl: 'Nederlands', pl: 'Polski', pt: 'Português', sv: 'Svenska', da: 'Dansk', uk: 'Українська', ja: '日本語', zh: '中文',
};
const SCOPES = {
  read: 'Read documents', comment: 'Read and comment', write: 'Read and write', admin: 'Everything that you may do',
};
/** Sessions that began by a link that somebody else was given first. */
const LINKS = { administrator_link: 'By an administrator’s link', operator_link: 'By an operator’s link', first_start_link: 'By the first start’s link' };
const LIFETIMES = { 7: '7 days', 30: '30 days', 90: '90 days', 365: 'A year', '': 'No end' };

function profile(account) {
  return section('Profile', 'Others see your name in the documents that you share.', settingsForm([
    { name: 'display_name', label: 'Name', value: account.display_name, required: true, maxlength: 100, autocomplete: 'name' },
    { name: 'username', label: 'Username', value: account.username, maxlength: 50, autocomplete: 'off', hint: 'Optional. Letters, digits, dots and dashes.' },
    { name: 'bio', label: 'About you', type: 'textarea', value: account.bio, maxlength: 1000 },
    { name: 'email', label: 'E-mail', value: account.email, disabled: true, hint: account.email_verified ? 'Confirmed.' : 'Not confirmed yet.' },
  ], async (values) => {
    const change = Object.fromEntries(Object.entries(values)
      .map(([name, value]) => [name, value || null]).filter(([name, value]) => value !== (account[name] ?? null)));
    if (Object.keys(change).length > 0) Object.assign(account, await api.changeAccount(change));
    document.getElementById('account').title = account.display_name;
  }));
}

const password = (who) => section('Password', who.has_password ? 'Changing it signs you out everywhere else.' : 'You have none yet: you sign in with a link or through a provider.',
  settingsForm([
    h('input', { type: 'email', value: who.email, autocomplete: 'username', readonly: true, hidden: true }),
    who.has_password && { name: 'current_password', label: 'Current password', type: 'password', autocomplete: 'current-password', required: true },
    newPasswordField(),
    revokeTokensField(false),
  ], async ({ current_password: current, ...values }, form) => {
    await api.changePassword({ ...(who.has_password ? { current_password: current } : {}), ...values });
    await api.me();
    form.reset();
    sessionsList.reload();
    tokensList.reload();
    if (!who.has_password) {
      who.has_password = true;
      location.reload();
    }
    return 'Password changed';
  }, who.has_password ? 'Change password' : 'Set password'));

const look = (preferences) => section('Appearance', null, settingsForm([
  { name: 'theme', label: 'Theme', type: 'select', value: preferences.theme, options: Object.entries(THEMES) },
  {
    name: 'language', label: 'Language you write in', type: 'select', value: preferences.language,
    options: Object.entries({ [preferences.language]: preferences.language, ...LANGUAGES }), hint: 'For spelling and reading aloud in the editor. The pages themselves are in English.',
  },
], async ({ theme, language }) => {
  await api.changePreferences({ theme, language });
  chooseTheme(theme);
  memory.set('language', language);
}));

const sessionsList = pagedList({
  label: 'Sessions',
  empty: 'No sessions.',
  load: () => api.sessions(),
  row: (session, again) => h('li', { class: 'line' },
    h('div', { class: 'line-text' },
      h('b', {}, deviceOf(session.user_agent) || session.device || 'Unknown browser', session.current && h('span', { class: 'badge' }, 'This browser'), LINKS[session.signed_in_by] && h('span', { class: 'badge' }, LINKS[session.signed_in_by])),
      h('p', {}, [session.ip_address, ' · '].filter(() => session.ip_address), clock(session.last_activity_at ?? session.created_at, 'Active '))),
    !session.current && h('button', {
      class: 'button small',
      type: 'button',
      'aria-label': `Sign out ${deviceOf(session.user_agent) || 'this session'}`,
      onclick: async () => {
        await tryTo(() => api.endSession(session.id));
        await again();
      },
    }, 'Sign out')),
});

const sessions = () => section('Sessions', 'Where you are signed in. Sign out what you do not know or do not use any more; API tokens that were made there are revoked.', sessionsList.element,
  h('button', {
    class: 'button small',
    type: 'button',
    onclick: async () => {
      await tryTo(async () => {
        await api.endOtherSessions();
        toast('Signed out everywhere else.');
      });
      await sessionsList.reload();
    },
  }, 'Sign out everywhere else'));

const tokensList = pagedList({
  label: 'API tokens',
  empty: 'No tokens. Programs use them to act as you.',
  load: () => api.tokens(),
  row: (token, again) => h('li', { class: 'line' },
    h('div', { class: 'line-text' },
      h('b', {}, token.name, h('span', { class: 'badge' }, token.scopes?.join(', ') ?? token.scope)),
      h('p', {}, clock(token.created_at, 'Made '), ' · ', token.last_used_at ? clock(token.last_used_at, 'used ') : 'never used', ' · ',
        token.expires_at ? ['ends ', new Intl.DateTimeFormat('en', { dateStyle: 'medium' }).format(new Date(token.expires_at))] : 'no end',
        token.parent?.kind === 'token' && ` · made by the token “${token.parent.name}”`)),
    h('button', {
      class: 'button small danger',
      type: 'button',
      'aria-label': `Revoke ${token.name}`,
      onclick: async () => {
        const done = await confirmDialog({
          title: `Revoke “${token.name}”?`, text: 'What uses it is refused from now on, and all tokens that it made.', verb: 'Revoke', act: () => api.revokeToken(token.id),
        });
        if (done) await again();
      },
    }, 'Revoke')),
});

async function createToken() {
  const made = await formDialog({
    title: 'New API token',
    fields: [
      { name: 'name', label: 'Name', required: true, maxlength: 100, autocomplete: 'off', hint: 'What it is for, such as “backup script”.' },
      { name: 'scope', label: 'May', type: 'select', value: 'write', options: Object.entries(SCOPES) },
      { name: 'days', label: 'Ends after', type: 'select', value: '90', options: ['7', '30', '90', '365', ''].map((days) => [days, LIFETIMES[days]]) },
    ],
    verb: 'Create token',
    act: ({ name, scope, days }) => api.createToken({ name, scope, expires_in_days: days ? Number(days) : null }),
  });
  if (!made) return;
  await tokensList.reload();
  await copyDialog({ title: 'Copy the token now', text: 'It is shown this once. Keep it like a password.', value: made.token, label: 'Token' });
}

const tokens = () => section('API tokens', 'For programs that act in your name.', tokensList.element,
  h('button', { class: 'button small', type: 'button', onclick: createToken }, 'Create token'));

const deleted = (workspaces) => workspaces.length > 0 && section('Deleted workspaces', 'They can be brought back for a while, with all that is in them.', ...workspaces.map((each) => deed(
  each.name, ['Deleted ', clock(each.deleted_at)], 'Restore', async () => {
    const back = await tryTo(() => api.restoreWorkspace(each.id));
    if (back) location.assign(workspacePage(back));
  })));

const leaving = (who) => section('Delete account', null, deed('Delete this account', 'You lose access at once. Documents stay in the workspaces that you share with others.', 'Delete account…', async () => {
  const gone = await formDialog({
    title: 'Delete your account?',
    intro: 'This cannot be undone.',
    fields: [who.has_password
      ? { name: 'password', label: 'Your password', type: 'password', autocomplete: 'current-password', required: true }
      : { name: 'confirm', label: `Type ${who.email} to confirm`, required: true, autocomplete: 'off' }],
    verb: 'Delete account',
    danger: true,
    act: (values) => api.deleteAccount(values),
  });
  if (!gone) return;
  forgetPerson();
  location.assign('/signin');
}, true));

async function start() {
  const who = await enter({ account: true });
  if (!who) return;
  const [account, preferences, gone] = await Promise.all([
    api.account(), api.preferences(), api.workspaces({ deleted: true }).catch(() => ({ items: [] }))]);
  who.email = account.email;
  showSections('Your account', [profile(account), password(who), look(preferences), sessions(), tokens(), deleted(gone.items), leaving(who)]);
  await Promise.all([sessionsList.reload(), tokensList.reload()]);
}

start().catch((error) => showFailure(error));
