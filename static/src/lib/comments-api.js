/** The REST API of comments, suggestions and notifications, one function for each endpoint that a page uses. */
import { request } from './request.js';

/** @import { Comment, CommentEdit, Notification, Person, Subscribed, Suggestion } from './discussion-types.js' */
/** @import { Page, Query } from './types.js' */

/** @type {(path: string, body?: object) => Promise<any>} */
const post = (path, body) => request(path, { method: 'POST', body });

// ---- comments

/** @type {(document: string, query?: Query) => Promise<Page<Comment>>} */
export const comments = (document, query) => request(`documents/${document}/comments`, { query });
/** @type {(document: string, comment: object) => Promise<Comment>} */
export const createComment = (document, comment) => post(`documents/${document}/comments`, comment);
/** @type {(id: string) => Promise<Comment>} */
export const comment = (id) => request(`comments/${id}`, {});
/** @type {(id: string, change: object) => Promise<Comment>} */
export const changeComment = (id, change) => request(`comments/${id}`, { method: 'PATCH', body: change });
/** @type {(id: string) => Promise<null>} */
export const deleteComment = (id) => request(`comments/${id}`, { method: 'DELETE' });
/** @type {(id: string, resolved: boolean) => Promise<Comment>} */
export const resolveComment = (id, resolved) => post(`comments/${id}/${resolved ? 'resolve' : 'reopen'}`);
/** @type {(id: string) => Promise<Page<CommentEdit>>} */
export const commentEdits = (id) => request(`comments/${id}/edits`, {});
/** @type {(id: string, emoji: string, wanted: boolean) => Promise<null>} */
export const react = (id, emoji, wanted) =>
  request(`comments/${id}/reactions/${encodeURIComponent(emoji)}`, { method: wanted ? 'PUT' : 'DELETE' });
/** @type {(document: string, q: string) => Promise<{ items: Person[] }>} */
export const mentionable = (document, q) => request(`documents/${document}/mentionable`, { query: { q, limit: 8 } });

// ---- suggestions

/** The ETag of an empty text. */
const EMPTY = '"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"';
/** @typedef {{ isEmpty: boolean }} Of whether the document that a suggestion refers to is empty */
const headersOf = (/** @type {Of} */ { isEmpty }) => (isEmpty ? { 'If-Match': EMPTY } : undefined);

/** @type {(document: string, query?: Query) => Promise<Page<Suggestion>>} */
export const suggestions = (document, query) => request(`documents/${document}/suggestions`, { query });
/** @type {(id: string) => Promise<Suggestion>} */
export const suggestion = (id) => request(`suggestions/${id}`, {});
/** @type {(document: string, proposed: object, of: Of) => Promise<Suggestion>} */
export const createSuggestion = (document, proposed, of) =>
  request(`documents/${document}/suggestions`, { method: 'POST', body: proposed, headers: headersOf(of) });
/** @type {(id: string, change: object, of: Of) => Promise<Suggestion>} */
export const changeSuggestion = (id, change, of) =>
  request(`suggestions/${id}`, { method: 'PATCH', body: change, headers: headersOf(of) });
/** @type {(id: string) => Promise<null>} */
export const withdrawSuggestion = (id) => request(`suggestions/${id}`, { method: 'DELETE' });
/** @type {(id: string, accepted: boolean) => Promise<Suggestion>} */
export const decideSuggestion = (id, accepted) => post(`suggestions/${id}/${accepted ? 'accept' : 'reject'}`);
/** @type {(document: string, accepted: boolean) => Promise<any>} */
export const decideAll = (document, accepted) =>
  post(`documents/${document}/suggestions/${accepted ? 'accept' : 'reject'}`);

// ---- notifications

/** @type {(query?: Query) => Promise<Page<Notification>>} */
export const notifications = (query) => request('notifications', { query });
/** @type {() => Promise<{ count: number }>} */
export const unread = () => request('notifications/unread', {});
/** @type {(ids?: string[]) => Promise<any>} */
export const markRead = (ids) => post('notifications/read', ids ? { ids } : {});
/** @type {(id: string, change: { read?: boolean, archived?: boolean }) => Promise<Notification>} */
export const changeNotification = (id, change) => request(`notifications/${id}`, { method: 'PATCH', body: change });
/** @type {(document: string) => Promise<Subscribed>} */
export const subscription = (document) => request(`documents/${document}/subscription`, {});
/** @type {(document: string, level: string) => Promise<Subscribed>} */
export const subscribe = (document, level) =>
  request(`documents/${document}/subscription`, { method: 'PUT', body: { level } });
/** @type {(workspace: string) => Promise<Subscribed>} */
export const workspaceSubscription = (workspace) => request(`workspaces/${workspace}/subscription`, {});
/** @type {(workspace: string, level: string) => Promise<Subscribed>} */
export const subscribeToWorkspace = (workspace, level) =>
  request(`workspaces/${workspace}/subscription`, { method: 'PUT', body: { level } });
