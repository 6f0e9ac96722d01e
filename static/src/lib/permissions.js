/** What people may do in a document. */

/** @import { Permission } from './share-types.js' */

/** @type {Record<Permission, string>} */
export const PERMISSIONS = {
  read: 'Can view',
  comment: 'Can comment',
  write: 'Can edit',
  admin: 'Can manage',
};

/** @type {Record<string, Permission>} The permission that a role in a document stands for. */
export const PERMISSION_OF_ROLE = { viewer: 'read', commenter: 'comment', editor: 'write', admin: 'admin' };

/**
 * The permissions that can be given, as values and texts of a select.
 * @param {{ admin?: boolean }} [options] `admin`: administrators can be made
 */
export const permissionOptions = ({ admin = false } = {}) =>
  /** @type {[Permission, string][]} */ (Object.entries(PERMISSIONS)).filter(([name]) => admin || name !== 'admin');
