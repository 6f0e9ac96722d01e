/** What the current user wants to hear of the documents of a workspace. */
import * as api from '../lib/comments-api.js';
import { section, settingsForm } from './settings.js';

/** @import { Workspace } from '../lib/types.js' */

/** @type {[string, string][]} */
const LEVELS = [
  ['participating', 'Threads with you'],
  ['follow', 'All comments and changes'],
  ['muted', 'Nothing but mentions'],
];

/**
 * @param {Workspace} workspace
 * @returns {Promise<HTMLElement>}
 */
export async function subscriptionSection({ id }) {
  const { level } = await api.workspaceSubscription(id);
  return section(
    'Notifications',
    'For documents for which you choose nothing else in their menu.',
    settingsForm(
      [
        {
          name: 'level',
          label: 'Notify me of',
          type: 'select',
          value: level ?? 'participating',
          options: LEVELS,
        },
      ],
      ({ level: wanted }) => api.subscribeToWorkspace(id, wanted).then(() => 'Saved'),
    ),
  );
}
