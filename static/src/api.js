/** The REST interface, one function per endpoint that a page uses. */
import { RequestError, request, useCsrfToken } from './request.js';

export { RequestError, onSignedOut } from './request.js';

const get = (path, query) => request(path, { query });
const post = (path, body) => request(path, { method: 'POST', body });
const patch = (path, body, version) => request(path, { method: 'PATCH', body, version });
const put = (path, body) => request(path, { method: 'PUT', body });
const remove = (path, body) => request(path, { method: 'DELETE', body });

async function entered(promise) {
  const signedIn = await promise;
  useCsrfToken(signedIn.csrf_token);
  return signedIn;
}

// ---- who

export async function me() {
  const who = await get('auth/me');
  useCsrfToken(who.csrf_token);
  return who;
}
export const providers = () => get('auth/providers');
export const signIn = (email, password) => entered(post('auth/login', { email, password }));
export const signInByLink = (token) => entered(post('auth/link', { token }));
/** An account, or (where a link is mailed) nothing yet. */
export async function register(account) {
  const made = await post('auth/register', account);
  if (made.user) useCsrfToken(made.csrf_token);
  return made;
}
export const finishRegistration = (account) => entered(post('auth/register/finish', account));
export const signOut = () => post('auth/logout');
export const forgotPassword = (email) => post('auth/password/forgot', { email });
export const resetPassword = (change) => entered(post('auth/password/reset', change));
export const changePassword = (change) => post('auth/password', change);

export const account = () => get('users/me');
export const changeAccount = (change) => patch('users/me', change);
export const deleteAccount = (proof) => remove('users/me', proof);
export const preferences = () => get('users/me/settings');
export const changePreferences = (change) => patch('users/me/settings', change);
export const sessions = () => get('auth/sessions');
export const endSession = (id) => remove(`auth/sessions/${id}`);
export const endOtherSessions = () => remove('auth/sessions');
export const tokens = () => get('auth/tokens');
export const createToken = (token) => post('auth/tokens', token);
export const revokeToken = (id) => remove(`auth/tokens/${id}`);

export const users = (query) => get('users', query);
export const createUser = (user) => post('users', user);
export const changeUser = (id, change) => patch(`users/${id}`, change);
export const deleteUser = (id) => remove(`users/${id}`);
export const audit = (query) => get('admin/audit', query);
export const linkForUser = (id) => post(`users/${id}/link`);

// ---- workspaces

export const workspaces = (query) => get('workspaces', { limit: 200, ...query });
export const workspace = (id) => get(`workspaces/${id}`);
export const createWorkspace = (workspace) => post('workspaces', workspace);
export const changeWorkspace = (id, change, version) => patch(`workspaces/${id}`, change, version);
export const deleteWorkspace = (id) => remove(`workspaces/${id}`);
export const restoreWorkspace = (id) => post(`workspaces/${id}/restore`);
export const archiveWorkspace = (id) => post(`workspaces/${id}/archive`);
export const unarchiveWorkspace = (id) => post(`workspaces/${id}/unarchive`);
export const transferWorkspace = (id, user) => post(`workspaces/${id}/transfer`, { user_id: user });
export const usage = (id) => get(`workspaces/${id}/usage`);
export const members = (id, query) => get(`workspaces/${id}/members`, query);
export const changeMember = (id, user, change) => patch(`workspaces/${id}/members/${user}`, change);
export const removeMember = (id, user) => remove(`workspaces/${id}/members/${user}`);
export const workspacePresence = (id, query) => get(`workspaces/${id}/presence`, query);
export const activity = (id, query) => get(`workspaces/${id}/activity`, query);

export const invitations = (id, query) => get(`workspaces/${id}/invitations`, query);
export const invite = (id, invitation) => post(`workspaces/${id}/invitations`, invitation);
export const revokeInvitation = (id, invitation) => remove(`workspaces/${id}/invitations/${invitation}`);
export const resendInvitation = (id, invitation) => post(`workspaces/${id}/invitations/${invitation}/resend`);
export const ownInvitations = () => get('invitations');
export const acceptInvitation = (id) => post(`invitations/${id}/accept`);
export const declineInvitation = (id) => post(`invitations/${id}/decline`);
export const invitationOf = (token) => post('invitations/open', { token });
export const acceptByToken = (token) => post('invitations/accept', { token });
export const declineByToken = (token) => post('invitations/decline', { token });

// ---- documents

export const documents = (workspace, query) => get(`workspaces/${workspace}/documents`, query);
export const recentDocuments = (query) => get('documents/recent', query);
export const createDocument = (workspace, document) => post(`workspaces/${workspace}/documents`, document);
/**
 * A new document at an address: `@<workspace>/<name>`, or `<name>` in the default workspace. The older form
 * `<workspace>/<name>` is taken for workspaces of the reader.
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
    // Somebody else was faster.
    if (error.status !== 409) throw error;
    return lookup(address);
  }
}
export const lookup = (address) => get('documents/lookup', { address });
export const document = (id) => get(`documents/${id}`);
export const changeDocument = (id, change, version) => patch(`documents/${id}`, change, version);
export const rename = (id, title) => changeDocument(id, { title });
export const trash = (id) => remove(`documents/${id}`);
export const restore = (id) => post(`documents/${id}/restore`);
export const deleteForever = (id) => remove(`documents/${id}/permanently`);
export const duplicate = (id, copy) => post(`documents/${id}/duplicate`, copy);
export const move = (id, workspace) => post(`documents/${id}/move`, { workspace_id: workspace });
export const setTags = (id, names) => put(`documents/${id}/tags`, { tags: names });
export const setFavourite = (id, wanted) => (wanted ? put : remove)(`documents/${id}/favourite`);
export const tags = (workspace) => get(`workspaces/${workspace}/tags`, { limit: 200 });
export const categories = (workspace) => get(`workspaces/${workspace}/categories`, { limit: 200 });
/** Where a browser reads what a document says. */
export const readingPage = (id) => `/api/v1/documents/${id}/content`;
export const exported = (id, format) => request(`documents/${id}/export`, { query: { format }, asFile: true });
export const workspaceArchive = (id) => `/api/v1/workspaces/${id}/export`;
export const importFile = (workspace, file) => request(`workspaces/${workspace}/import`, { method: 'POST', query: { name: file.name }, file });

export const search = (query) => get('search', query);
export const searchTitles = (query) => get('search/titles', query);
