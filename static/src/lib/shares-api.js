/** The REST API of shares, requests for access and public pages, one function for each endpoint that a page uses. */
import { request } from './request.js';

/** @import { Doc, Page, Query } from './types.js' */
/** @import { Access, AccessRequest, NewShare, OpenedLink, Permission, PublicPage, Share } from './share-types.js' */

/** @type {(path: string, body?: object) => Promise<any>} */
const post = (path, body) => request(path, { method: 'POST', body });

/** @type {(document: string, query?: Query) => Promise<Page<Share>>} */
export const shares = (document, query) => request(`documents/${document}/shares`, { query });
/** @type {(document: string, share: object) => Promise<NewShare>} */
export const createShare = (document, share) => post(`documents/${document}/shares`, share);
/**
 * The share of a document with the current user.
 * @type {(document: string) => Promise<Share>}
 */
export const ownShare = (document) => request(`documents/${document}/shares/own`);
/** @type {(workspace: string, query?: Query) => Promise<Page<Share>>} */
export const workspaceShares = (workspace, query) => request(`workspaces/${workspace}/shares`, { query });
/** @type {(workspace: string, share: object) => Promise<NewShare>} */
export const createWorkspaceShare = (workspace, share) => post(`workspaces/${workspace}/shares`, share);
/** @type {(id: string, change: object) => Promise<Share>} */
export const changeShare = (id, change) => request(`shares/${id}`, { method: 'PATCH', body: change });
/** @type {(id: string) => Promise<null>} */
export const revokeShare = (id) => request(`shares/${id}`, { method: 'DELETE' });
/** @type {(opening: { token: string, password?: string, name?: string }) => Promise<OpenedLink>} */
export const openShare = (opening) => post('shares/open', opening);
/** @type {(query?: Query) => Promise<Page<Doc>>} */
export const sharedDocuments = (query) => request('documents/shared', { query });

/** @type {(document: string) => Promise<Access>} */
export const access = (document) => request(`documents/${document}/access`);
/** @type {(document: string, wanted: { permission: string, message?: string }) => Promise<null>} */
export const requestAccess = (document, wanted) => post(`documents/${document}/access-requests`, wanted);
/** @type {(document: string, query?: Query) => Promise<Page<AccessRequest>>} */
export const accessRequests = (document, query) => request(`documents/${document}/access-requests`, { query });
/** @type {(id: string, permission: Permission) => Promise<null>} */
export const approveRequest = (id, permission) => post(`access-requests/${id}/approve`, { permission });
/** @type {(id: string) => Promise<null>} */
export const denyRequest = (id) => post(`access-requests/${id}/deny`);

/** @type {(document: string) => Promise<PublicPage>} */
export const publicPage = (document) => request(`documents/${document}/public-page`);
/** @type {(document: string, change: object) => Promise<PublicPage>} */
export const changePublicPage = (document, change) =>
  request(`documents/${document}/public-page`, { method: 'PUT', body: change });
