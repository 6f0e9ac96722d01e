/** What the current user wants to be told of, and how. */
import * as api from '../lib/api.js';
import { askToAnnounce, canAnnounce } from './browser-notices.js';
import { section, settingsForm } from './settings.js';

/** @import { Preferences } from '../lib/account-types.js' */

/** @type {[string, string][]} */
const MAILS = [
  ['immediate', 'Soon after it happened'],
  ['daily', 'Once a day'],
  ['off', 'Never'],
];

/** @param {Preferences} preferences */
export function notificationSettings({ notifications = {} }) {
  const {
    email = true,
    digest = 'immediate',
    browser = true,
    documentShared = true,
    systemUpdates = true,
  } = notifications;
  const shown = section(
    'Notifications',
    'Comments, replies, mentions and what you follow are listed under the bell.',
    settingsForm(
      [
        { name: 'mail', label: 'Send them by mail', type: 'select', value: email ? digest : 'off', options: MAILS },
        canAnnounce() && {
          name: 'browser',
          label: 'Show them as notices of this browser',
          type: 'checkbox',
          value: browser && Notification.permission === 'granted',
          hint: 'While a page of this server is open in another tab or window.',
        },
        { name: 'documentShared', label: 'Invitations and new workspaces', type: 'checkbox', value: documentShared },
        { name: 'systemUpdates', label: 'Changes of your role', type: 'checkbox', value: systemUpdates },
      ],
      async ({ mail, ...wanted }) => {
        if (wanted.browser && !(await askToAnnounce())) return 'Saved, but the browser does not allow notices';
        const chosen = mail === 'off' ? { email: false, digest } : { email: true, digest: mail };
        const { browser: isShown = browser, ...rest } = wanted;
        await api.changePreferences({ notifications: { ...chosen, browser: isShown, ...rest } });
        return 'Saved';
      },
    ),
  );
  shown.id = 'notifications';
  return shown;
}
