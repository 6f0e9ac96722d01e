/** The roles of members. */

/** @import { WorkspaceRole } from './types.js' */

/** What each role that can be given may do. */
export const ROLES = {
  viewer: 'Viewer: reads',
  commenter: 'Commenter: reads and comments',
  editor: 'Editor: writes',
  admin: 'Admin: manages people and settings',
};
export const roleOptions = () => Object.entries(ROLES);

/**
 * A role as a word for people.
 * @param {WorkspaceRole | string} role
 */
export const roleName = (role) => `${role[0].toUpperCase()}${role.slice(1)}`;
