/** The account page: profile, password, appearance, sessions, API tokens, deletion. */
import { clock } from '../components/clock.js';
import { formDialog } from '../components/dialog.js';
import { editorSection } from '../components/editor-section.js';
import { pictureField } from '../components/picture-field.js';
import { notificationSettings } from '../components/notification-settings.js';
import { forgetPerson, startPage } from '../components/page-header.js';
import { newPasswordField, revokeTokensField } from '../components/password-fields.js';
import { sessionsSection } from '../components/session-list.js';
import { actionRow, section, settingsForm, showSections } from '../components/settings.js';
import { toast, tryTo } from '../components/toast.js';
import { tokensSection } from '../components/token-list.js';
import { workspacePage } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { $, find, h } from '../lib/dom.js';
import { MODES, keepMode } from '../lib/editor-mode.js';
import { memory } from '../lib/identity.js';
import { avatar, removeAvatar, setAvatar, showPicture } from '../lib/pictures.js';
import { THEMES, chooseTheme } from '../lib/theme.js';
import { sessionStore, tokenStore } from '../stores/account.js';

/** @import { Account, Preferences } from '../lib/account-types.js' */
/** @import { CurrentUser, Workspace } from '../lib/types.js' */
/** @import { EditorMode } from '../lib/editor-mode.js' */
/** @import { Theme } from '../lib/theme.js' */

/** @type {Record<string, string>} */
const LANGUAGES = {
  en: 'English',
  de: 'Deutsch',
  fr: 'Français',
  es: 'Español',
  it: 'Italiano',
  nl: 'Nederlands',
  pl: 'Polski',
  pt: 'Português',
  sv: 'Svenska',
  da: 'Dansk',
  uk: 'Українська',
  ja: '日本語',
  zh: '中文',
};

const sessions = sessionStore();
const tokens = tokenStore();

/** @param {Account} account */
function profile(account) {
  return section(
    'Profile',
    'Others see your name and your picture in the documents that you share.',
    pictureField({
      title: 'Your picture',
      shown: avatar({ name: account.display_name || account.email, kind: 'large' }),
      address: account.avatar_url,
      isRound: true,
      send: async (picture) => (await setAvatar(picture)).avatar_url,
      remove: removeAvatar,
      changed: (address) => {
        const own = find($('account'), '.avatar');
        if (own) showPicture(own, address);
      },
    }),
    settingsForm(
      [
        {
          name: 'display_name',
          label: 'Name',
          value: account.display_name,
          required: true,
          maxlength: 100,
          autocomplete: 'name',
        },
        {
          name: 'username',
          label: 'Username',
          value: account.username,
          maxlength: 50,
          autocomplete: 'off',
          hint: 'Optional. Letters, digits, dots and dashes.',
        },
        { name: 'bio', label: 'About you', type: 'textarea', value: account.bio, maxlength: 1000 },
        {
          name: 'email',
          label: 'E-mail',
          value: account.email,
          disabled: true,
          hint: account.email_verified ? 'Confirmed.' : 'Not confirmed yet.',
        },
      ],
      async (values) => {
        const known = /** @type {Record<string, any>} */ (account);
        const change = Object.fromEntries(
          Object.entries(values)
            .map(([name, value]) => [name, value || null])
            .filter(([name, value]) => value !== (known[name] ?? null)),
        );
        if (Object.keys(change).length > 0) Object.assign(account, await api.changeAccount(change));
        $('account').title = account.display_name;
      },
    ),
  );
}

/**
 * @param {CurrentUser} user
 * @param {() => void} onFirstPassword called when the account has its first password
 */
const password = (user, onFirstPassword) =>
  section(
    'Password',
    user.has_password
      ? 'Changing it signs you out everywhere else.'
      : 'You have none yet: you sign in with a link or through a provider.',
    settingsForm(
      [
        h('input', { type: 'email', value: user.email, autocomplete: 'username', readonly: true, hidden: true }),
        user.has_password && {
          name: 'current_password',
          label: 'Current password',
          type: 'password',
          autocomplete: 'current-password',
          required: true,
        },
        newPasswordField(),
        revokeTokensField(false),
      ],
      async ({ current_password: current, ...values }, form) => {
        await api.changePassword({ ...(user.has_password ? { current_password: current } : {}), ...values });
        await api.me();
        form.reset();
        sessions.load();
        tokens.load();
        if (!user.has_password) {
          user.has_password = true;
          onFirstPassword();
        }
        return 'Password changed';
      },
      user.has_password ? 'Change password' : 'Set password',
    ),
  );

/** @param {Preferences} preferences */
const look = (preferences) =>
  section(
    'Appearance',
    null,
    settingsForm(
      [
        { name: 'theme', label: 'Theme', type: 'select', value: preferences.theme, options: Object.entries(THEMES) },
        {
          name: 'language',
          label: 'Language you write in',
          type: 'select',
          value: preferences.language,
          options: Object.entries({ [preferences.language]: preferences.language, ...LANGUAGES }),
          hint: 'For spelling and reading aloud in the editor. The pages themselves are in English.',
        },
        {
          name: 'editor_mode',
          label: 'New documents',
          type: 'select',
          value: preferences.editor_mode === 'preview' ? 'split' : preferences.editor_mode,
          options: Object.entries(MODES),
          hint: 'How you begin to write. It also decides whether Markdown of others has a preview beside it.',
        },
      ],
      async ({ theme, language, editor_mode: mode }) => {
        await api.changePreferences({ theme, language, editor_mode: mode });
        keepMode(/** @type {EditorMode} */ (mode));
        chooseTheme(/** @type {Theme} */ (theme));
        memory.set('language', language);
      },
    ),
  );

/** @param {Workspace[]} workspaces */
const deleted = (workspaces) =>
  workspaces.length > 0 &&
  section(
    'Deleted workspaces',
    'You can restore them for a while, with everything in them.',
    ...workspaces.map((each) =>
      actionRow(each.name, ['Deleted ', clock(each.deleted_at ?? '')], 'Restore', async () => {
        const back = await tryTo(() => api.restoreWorkspace(each.id));
        if (back) location.assign(workspacePage(back));
      }),
    ),
  );

/** @param {CurrentUser} user */
const leaving = (user) =>
  section(
    'Delete account',
    null,
    actionRow(
      'Delete this account',
      'You lose access at once. Documents stay in the workspaces that you share with others.',
      'Delete account…',
      async () => {
        const gone = await formDialog({
          title: 'Delete your account?',
          intro: 'This cannot be undone.',
          fields: [
            user.has_password
              ? {
                  name: 'password',
                  label: 'Your password',
                  type: 'password',
                  autocomplete: 'current-password',
                  required: true,
                }
              : { name: 'confirm', label: `Type ${user.email} to confirm`, required: true, autocomplete: 'off' },
          ],
          verb: 'Delete account',
          danger: true,
          act: (values) => api.deleteAccount(values),
        });
        if (!gone) return;
        forgetPerson();
        location.assign('/signin');
      },
      true,
    ),
  );

/** @param {CurrentUser} user */
async function show(user) {
  const [account, preferences, gone] = await Promise.all([
    api.account(),
    api.preferences(),
    api.workspaces({ deleted: true }).catch(() => ({ items: [] })),
  ]);
  user.email = account.email;
  const passwordSection = () => password(user, onFirstPassword);
  let shown = passwordSection();
  /** The form then asks for the current password too. */
  function onFirstPassword() {
    const next = passwordSection();
    shown.replaceWith(next);
    shown = next;
    find(next, 'input:not([hidden])')?.focus();
    toast('Password changed');
  }
  showSections('Your account', [
    profile(account),
    shown,
    look(preferences),
    editorSection(preferences),
    notificationSettings(preferences),
    sessionsSection(sessions),
    tokensSection(tokens),
    deleted(gone.items),
    leaving(user),
  ]);
  if (location.hash === '#notifications') $('notifications').scrollIntoView();
  await Promise.all([sessions.load(), tokens.load()]);
}

startPage(show, { needsAccount: true });
