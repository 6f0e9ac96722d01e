/** Gives back what is shared with the current user. */
import { titleOf } from '../lib/document-types.js';
import { ownShare, revokeShare } from '../lib/shares-api.js';
import { confirmDialog } from './dialog.js';

/** @import { Doc } from '../lib/types.js' */

/**
 * Asks, and ends the person's access by a share.
 * @param {Doc} doc
 * @returns {Promise<boolean>} whether they left
 */
export const leaveDialog = (doc) =>
  confirmDialog({
    title: `Leave “${titleOf(doc)}”?`,
    text: 'It will not be shared with you any more. To open it again, ask somebody who shares it.',
    verb: 'Leave',
    act: async () => revokeShare((await ownShare(doc.id)).id),
  });
