/** The REST API, one function for each endpoint that a page uses. */
import { forgetAccount, keptDocument, keptPerson, keptWorkspaces } from './kept-answers.js';
import { RequestError, onSignedOut, request, useCsrfToken } from './request.js';

/** @import { Account, AuditEntry, Preferences, Token, User, UserSession } from './account-types.js' */
/** @import { Activity, Blame, Category, CurrentUser, Difference, Doc, DocumentPresence, EditSession, Hit, ImportedItem, Invitation, Member, Page, Providers, Query, ReceivedInvitation, SignedIn, Tag, Usage, Version, Workspace } from './types.js' */
/** @import { ContentPoint } from './moments.js' */

export { RequestError, onSignedOut } from './request.js';

/** @type {(path: string, query?: Query) => Promise<any>} */
const get = (path, query) => request(path, { query });
/** @type {(path: string, body?: object) => Promise<any>} */
const post = (path, body) => request(path, { method: 'POST', body });
/** @type {(path: string, body: object, version?: number) => Promise<any>} */
const patch = (path, body, version) => request(path, { method: 'PATCH', body, version });
/** @type {(path: string, body?: object) => Promise<any>} */
const put = (path, body) => request(path, { method: 'PUT', body });
/** @type {(path: string, body?: object) => Promise<any>} */
const remove = (path, body) => request(path, { method: 'DELETE', body });

/**
 * @param {Promise<SignedIn>} promise
 * @returns {Promise<SignedIn>}
 */
async function entered(promise) {
  const signedIn = await promise;
  useCsrfToken(signedIn.csrf_token);
  return signedIn;
}

// ---- the current user, accounts

/** @returns {Promise<CurrentUser>} */
export const me = () =>
  keptPerson(async () => {
    const who = await get('auth/me');
    useCsrfToken(who.csrf_token);
    return who;
  });
/** @type {() => Promise<Providers>} */
export const providers = () => get('auth/providers');
/** @type {(email: string, password: string) => Promise<SignedIn>} */
export const signIn = (email, password) => entered(post('auth/login', { email, password }));
/** @type {(token: string) => Promise<SignedIn>} */
export const signInByLink = (token) => entered(post('auth/link', { token }));
/**
 * Registers. The answer has no user where a link is mailed first.
 * @param {object} account
 * @returns {Promise<Partial<SignedIn>>}
 */
export async function register(account) {
  const made = await post('auth/register', account);
  if (made.user) useCsrfToken(made.csrf_token);
  return made;
}
/** @type {(account: object) => Promise<SignedIn>} */
export const finishRegistration = (account) => entered(post('auth/register/finish', account));
/** @type {() => Promise<null>} */
export const signOut = () => {
  // What other requests are answered meanwhile leads nowhere else.
  onSignedOut(null);
  return post('auth/logout').finally(forgetAccount);
};
/** @type {(email: string) => Promise<null>} */
export const forgotPassword = (email) => post('auth/password/forgot', { email });
/** @type {(change: object) => Promise<SignedIn>} */
export const resetPassword = (change) => entered(post('auth/password/reset', change));
/** @type {(change: object) => Promise<null>} */
export const changePassword = (change) => post('auth/password', change);

/** @type {() => Promise<Account>} */
export const account = () => get('users/me');
/** @type {(change: object) => Promise<Account>} */
export const changeAccount = (change) => patch('users/me', change);
/** @type {(proof: object) => Promise<null>} */
export const deleteAccount = async (proof) => {
  // What other requests are answered after the deletion leads nowhere else.
  const before = onSignedOut(null);
  try {
    await remove('users/me', proof);
    forgetAccount({ unsentToo: true });
    return null;
  } catch (error) {
    onSignedOut(before);
    throw error;
  }
};
/** @type {() => Promise<Preferences>} */
export const preferences = () => get('users/me/settings');
/** @type {(change: object) => Promise<Preferences>} */
export const changePreferences = (change) => patch('users/me/settings', change);
/** @type {() => Promise<Page<UserSession>>} */
export const sessions = () => get('auth/sessions');
/** @type {(id: string) => Promise<null>} */
export const endSession = (id) => remove(`auth/sessions/${id}`);
/** @type {() => Promise<null>} */
export const endOtherSessions = () => remove('auth/sessions');
/** @type {() => Promise<Page<Token>>} */
export const tokens = () => get('auth/tokens');
/** @type {(token: object) => Promise<{ token: string }>} */
export const createToken = (token) => post('auth/tokens', token);
/** @type {(id: string) => Promise<null>} */
export const revokeToken = (id) => remove(`auth/tokens/${id}`);

/** @type {(query: Query) => Promise<Page<User>>} */
export const users = (query) => get('users', query);
/** @type {(user: object) => Promise<{ user: User, link: string | null }>} */
export const createUser = (user) => post('users', user);
/** @type {(id: string, change: object) => Promise<User>} */
export const changeUser = (id, change) => patch(`users/${id}`, change);
/** @type {(id: string) => Promise<null>} */
export const deleteUser = (id) => remove(`users/${id}`);
/** @type {(query: Query) => Promise<Page<AuditEntry>>} */
export const audit = (query) => get('admin/audit', query);
/** @type {(id: string) => Promise<{ link: string }>} */
export const linkForUser = (id) => post(`users/${id}/link`);

// ---- workspaces

/** @type {(query?: Query) => Promise<Page<Workspace>>} */
export const workspaces = (query) =>
  query ? get('workspaces', { limit: 200, ...query }) : keptWorkspaces(() => get('workspaces', { limit: 200 }));
/** @type {(id: string) => Promise<Workspace>} */
export const workspace = (id) => get(`workspaces/${id}`);
/** @type {(workspace: object) => Promise<Workspace>} */
export const createWorkspace = (created) => post('workspaces', created);
/** @type {(id: string, change: object, version: number) => Promise<Workspace>} */
export const changeWorkspace = (id, change, version) => patch(`workspaces/${id}`, change, version);
/** @type {(id: string) => Promise<null>} */
export const deleteWorkspace = (id) => remove(`workspaces/${id}`);
/** @type {(id: string) => Promise<Workspace>} */
export const restoreWorkspace = (id) => post(`workspaces/${id}/restore`);
/** @type {(id: string) => Promise<Workspace>} */
export const archiveWorkspace = (id) => post(`workspaces/${id}/archive`);
/** @type {(id: string) => Promise<Workspace>} */
export const unarchiveWorkspace = (id) => post(`workspaces/${id}/unarchive`);
/** @type {(id: string, user: string) => Promise<Workspace>} */
export const transferWorkspace = (id, user) => post(`workspaces/${id}/transfer`, { user_id: user });
/** @type {(id: string) => Promise<Usage>} */
export const usage = (id) => get(`workspaces/${id}/usage`);
/** @type {(id: string, query?: Query) => Promise<Page<Member>>} */
export const members = (id, query) => get(`workspaces/${id}/members`, query);
/** @type {(id: string, user: string, change: object) => Promise<Member>} */
export const changeMember = (id, user, change) => patch(`workspaces/${id}/members/${user}`, change);
/** @type {(id: string, user: string) => Promise<null>} */
export const removeMember = (id, user) => remove(`workspaces/${id}/members/${user}`);
/** @type {(id: string, query?: Query) => Promise<Page<DocumentPresence>>} */
export const workspacePresence = (id, query) => get(`workspaces/${id}/presence`, query);
/** @type {(id: string, query?: Query) => Promise<Page<Activity>>} */
export const activity = (id, query) => get(`workspaces/${id}/activity`, query);

/** @type {(id: string, query?: Query) => Promise<Page<Invitation>>} */
export const invitations = (id, query) => get(`workspaces/${id}/invitations`, query);
/** @type {(id: string, invitation: object) => Promise<Invitation>} */
export const invite = (id, invitation) => post(`workspaces/${id}/invitations`, invitation);
/** @type {(id: string, invitation: string) => Promise<null>} */
export const revokeInvitation = (id, invitation) => remove(`workspaces/${id}/invitations/${invitation}`);
/** @type {(id: string, invitation: string) => Promise<Invitation>} */
export const resendInvitation = (id, invitation) => post(`workspaces/${id}/invitations/${invitation}/resend`);
/** @type {() => Promise<Page<ReceivedInvitation>>} */
export const ownInvitations = () => get('invitations');
/** @type {(id: string) => Promise<Workspace>} */
export const acceptInvitation = (id) => post(`invitations/${id}/accept`);
/** @type {(id: string) => Promise<null>} */
export const declineInvitation = (id) => post(`invitations/${id}/decline`);
/** @type {(token: string) => Promise<ReceivedInvitation>} */
export const invitationOf = (token) => post('invitations/open', { token });
/** @type {(token: string) => Promise<Workspace>} */
export const acceptByToken = (token) => post('invitations/accept', { token });
/** @type {(token: string) => Promise<null>} */
export const declineByToken = (token) => post('invitations/decline', { token });

// ---- documents

/** @type {(workspace: string, query?: Query) => Promise<Page<Doc>>} */
export const documents = (workspaceId, query) => get(`workspaces/${workspaceId}/documents`, query);
/** @type {(query?: Query) => Promise<Page<Doc & { document?: Doc }>>} */
export const recentDocuments = (query) => get('documents/recent', query);
/** @type {(workspace: string, document: object) => Promise<Doc>} */
export const createDocument = (workspaceId, document) => post(`workspaces/${workspaceId}/documents`, document);
/**
 * Creates a document at an address: `@<workspace>/<name>`, or `<name>` in the default workspace. The older form
 * `<workspace>/<name>` is accepted for workspaces of the current user.
 * @param {string} address
 * @returns {Promise<Doc>}
 */
export async function createAt(address) {
  const { items } = await workspaces();
  const [, slug, rest] = address.match(/^@?([^/]+)\/(.+)$/s) ?? [];
  const named = items.find((each) => each.slug === slug);
  if (!named && address.startsWith('@')) throw new RequestError(404, 'not_found', 'There is no such document.');
  const { id } = named || (await me()).default_workspace || { id: '' };
  const name = named ? rest : address;
  try {
    return await createDocument(id, { name });
  } catch (error) {
    // Another client has created it in between.
    if (!(error instanceof RequestError) || error.status !== 409) throw error;
    return lookup(address);
  }
}
/** @type {(address: string) => Promise<Doc>} */
export const lookup = (address) => keptDocument(address, () => get('documents/lookup', { address }));
/** @type {(id: string) => Promise<Doc>} */
export const document = (id) => keptDocument(id, () => get(`documents/${id}`));
/** @type {(id: string, change: object, version?: number) => Promise<Doc>} */
export const changeDocument = (id, change, version) => patch(`documents/${id}`, change, version);
/**
 * Sends an update of a copy of this generation; one of a former generation is carried over to the present one.
 * @type {(id: string, generation: number, update: Uint8Array) => Promise<{ seq: number, generation: number }>}
 */
export const handOver = (id, generation, update) =>
  request(`documents/${id}/updates`, { method: 'POST', query: { generation }, bytes: update });
/** @type {(id: string, to: 'markdown' | 'rich_text') => Promise<{ generation: number }>} */
export const convertText = (id, to) => post(`documents/${id}/convert`, { to });
/** @type {(id: string, title: string | null) => Promise<Doc>} */
export const rename = (id, title) => changeDocument(id, { title });
/** @type {(id: string) => Promise<null>} */
export const trash = (id) => remove(`documents/${id}`);
/** @type {(id: string) => Promise<Doc>} */
export const restore = (id) => post(`documents/${id}/restore`);
/** @type {(id: string) => Promise<null>} */
export const deleteForever = (id) => remove(`documents/${id}/permanently`);
/** @type {(id: string, copy: object) => Promise<Doc>} */
export const duplicate = (id, copy) => post(`documents/${id}/duplicate`, copy);
/** @type {(id: string, workspace: string) => Promise<Doc>} */
export const move = (id, target) => post(`documents/${id}/move`, { workspace_id: target });
/** @type {(id: string, names: string[]) => Promise<Doc>} */
export const setTags = (id, names) => put(`documents/${id}/tags`, { tags: names });
/** @type {(id: string, wanted: boolean) => Promise<null>} */
export const setFavourite = (id, wanted) => (wanted ? put : remove)(`documents/${id}/favourite`);
/** @type {(workspace: string) => Promise<Page<Tag>>} */
export const tags = (workspaceId) => get(`workspaces/${workspaceId}/tags`, { limit: 200 });
/** @type {(workspace: string) => Promise<Page<Category>>} */
export const categories = (workspaceId) => get(`workspaces/${workspaceId}/categories`, { limit: 200 });
/** The address at which a browser shows the document's content. */
export const readingPage = (/** @type {string} */ id) => `/api/v1/documents/${id}/content`;
/** @type {(id: string, format: string, comments?: boolean) => Promise<{ blob: Blob, name: string }>} */
export const exported = (id, format, comments) =>
  request(`documents/${id}/export`, { query: { format, comments }, asFile: true });
export const workspaceArchive = (/** @type {string} */ id) => `/api/v1/workspaces/${id}/export`;
/** @type {(workspace: string, file: File) => Promise<{ items: ImportedItem[], notes: string[] }>} */
export const importFile = (workspaceId, file) =>
  request(`workspaces/${workspaceId}/import`, { method: 'POST', query: { name: file.name }, file });

// ---- the history of a document

/** @type {(id: string, query?: Query) => Promise<Page<Version>>} */
export const versions = (id, query) => get(`documents/${id}/versions`, query);
/** @type {(id: string, query?: Query) => Promise<Page<EditSession>>} */
export const editSessions = (id, query) => get(`documents/${id}/history`, query);
/** @type {(id: string, version: object) => Promise<Version>} */
export const createVersion = (id, version) => post(`documents/${id}/versions`, version);
/** @type {(id: string, number: number, change: object) => Promise<Version>} */
export const changeVersion = (id, number, change) => patch(`documents/${id}/versions/${number}`, change);
/** @type {(id: string, number: number) => Promise<null>} */
export const deleteVersion = (id, number) => remove(`documents/${id}/versions/${number}`);
/** @type {(id: string, number: number) => Promise<{ changed: boolean, version: number }>} */
export const restoreVersion = (id, number) => post(`documents/${id}/versions/${number}/restore`);
/** @type {(id: string, from: string, to: string) => Promise<Difference>} */
export const difference = (id, from, to) => get(`documents/${id}/versions/diff`, { from, to });
/** @type {(id: string) => Promise<Blame>} */
export const blame = (id) => get(`documents/${id}/blame`);
/** @type {(id: string) => Promise<{ previous_at: string | null }>} */
export const visit = (id) => get(`documents/${id}/visit`);
/**
 * The content of a document as it was: at a version, after a row of its log, or at a time.
 * @param {string} id
 * @param {ContentPoint} point
 * @param {'html' | 'markdown'} format
 * @returns {Promise<string>}
 */
export async function contentAt(id, point, format) {
  const isVersion = 'number' in point;
  const path = isVersion ? `versions/${point.number}/content` : 'at';
  const query = isVersion ? { format } : { format, ...point };
  const { blob } = await request(`documents/${id}/${path}`, { query, asFile: true });
  return blob.text();
}

/** @type {(query: Query) => Promise<Page<Hit>>} */
export const search = (query) => get('search', query);
/** @type {(query: Query) => Promise<Page<Doc & { document?: Doc }>>} */
export const searchTitles = (query) => get('search/titles', query);

/**
 * The text of a document as Markdown, whatever it consists of.
 * @param {string} id
 * @returns {Promise<string>}
 */
export async function markdownOf(id) {
  const { blob } = await request(`documents/${id}/content`, { query: { format: 'markdown' }, asFile: true });
  return blob.text();
}
