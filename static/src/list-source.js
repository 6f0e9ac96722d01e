/** Which documents a list shows: the view and filters in the page's address, and the requests they stand for. No DOM. */

export const VIEWS = {
  all: { label: 'All', heading: 'Documents' },
  recent: { label: 'Recent', heading: 'Opened lately' },
  favourites: { label: 'Favourites', heading: 'Favourites' },
  templates: { label: 'Templates', heading: 'Templates' },
  trash: { label: 'Trash', heading: 'Trash' },
};
export const SORTS = { edited: 'Last edited', updated: 'Last changed', created: 'Newest', title: 'Title' };
export const FILTERS = ['type', 'status', 'tag', 'category_id'];

/** @returns {{view: string, q: string, everywhere: boolean, sort: string, mine: boolean, type: string, ...}} */
export function wantedIn(search) {
  const given = new URLSearchParams(search);
  const among = (name, known, otherwise) => (Object.hasOwn(known, given.get(name) ?? '') ? given.get(name) : otherwise);
  return {
    view: among('view', VIEWS, 'all'),
    sort: among('sort', SORTS, 'edited'),
    q: given.get('q') ?? '',
    everywhere: given.get('in') === 'all',
    mine: given.get('mine') === '1',
    ...Object.fromEntries(FILTERS.map((name) => [name, given.get(name) ?? ''])),
  };
}

/** @returns {string} the query of the page's address for `wanted`: '' for the plain list */
export function searchOf(wanted) {
  const query = new URLSearchParams();
  if (wanted.view !== 'all') query.set('view', wanted.view);
  if (wanted.q) query.set('q', wanted.q);
  if (wanted.everywhere) query.set('in', 'all');
  for (const name of FILTERS) if (wanted[name]) query.set(name, wanted[name]);
  if (wanted.mine) query.set('mine', '1');
  if (wanted.sort !== 'edited') query.set('sort', wanted.sort);
  const text = query.toString();
  return text && `?${text}`;
}

export const filtered = (wanted) => wanted.mine || FILTERS.some((name) => wanted[name] !== '');

/**
 * @param {object} wanted see wantedIn
 * @param {{workspace: string, person: string}} ids
 * @returns {{path: string, query: object}} the request, without cursor and limit
 */
export function requestFor(wanted, { workspace, person }) {
  const own = { type: wanted.type, tag: wanted.tag };
  if (wanted.q) return { path: 'search', query: { q: wanted.q, ...own, workspace_id: wanted.everywhere ? null : workspace } };
  if (wanted.view === 'recent') return { path: 'documents/recent', query: {} };
  const query = {
    ...own, status: wanted.status, category_id: wanted.category_id, created_by: wanted.mine ? person : null, sort: wanted.sort,
    order: wanted.sort === 'title' ? 'asc' : 'desc',
  };
  if (wanted.view === 'favourites') query.favourite = true;
  if (wanted.view === 'templates') query.template = true;
  if (wanted.view === 'trash') query.deleted = true;
  return { path: `workspaces/${workspace}/documents`, query };
}
