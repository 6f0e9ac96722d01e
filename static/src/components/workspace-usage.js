/** The section of the settings page with what a workspace uses. */
import * as api from '../lib/api.js';
import { h } from '../lib/dom.js';
import { sized } from '../lib/format.js';
import { section } from './settings.js';

/** @import { Workspace } from '../lib/types.js' */

/**
 * Makes the section; null where it cannot be read.
 * @param {Workspace} workspace
 */
export async function usageSection(workspace) {
  const used = await api.usage(workspace.id).catch(() => null);
  if (!used) return null;
  const facts = [
    ['Documents', `${used.documents}${used.deleted_documents ? `, and ${used.deleted_documents} in the trash` : ''}`],
    ['Members', used.member_limit ? `${used.members} of ${used.member_limit}` : String(used.members)],
    [
      'Storage',
      `${sized(used.storage_used_bytes)}${used.storage_limit_bytes ? ` of ${sized(used.storage_limit_bytes)}` : ''}`,
    ],
    ['Of which files', sized(used.attachment_bytes)],
    ['Of which history', sized(used.history_bytes)],
  ];
  return section(
    'Usage',
    null,
    h('dl', { class: 'facts' }, ...facts.flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)])),
  );
}
