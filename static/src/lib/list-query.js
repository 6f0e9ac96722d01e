/** Which documents a list shows: the view and the filters in the page's address, and the requests for them. */

import { titleOf } from './document-types.js';

/** @import { KeptDocument } from './kept-answers.js' */
/** @import { Doc, Query } from './types.js' */

export const VIEWS = {
  all: { label: 'All', heading: 'Documents' },
  recent: { label: 'Recent', heading: 'Opened lately' },
  shared: { label: 'Shared with me', heading: 'Shared with me' },
  favourites: { label: 'Favourites', heading: 'Favourites' },
  templates: { label: 'Templates', heading: 'Templates' },
  trash: { label: 'Trash', heading: 'Trash' },
};
export const SORTS = { edited: 'Last edited', updated: 'Last changed', created: 'Newest', title: 'Title' };
export const FILTERS = /** @type {const} */ (['type', 'status', 'tag', 'category_id']);

/**
 * @typedef {object} ListQuery
 * @property {keyof typeof VIEWS} view
 * @property {keyof typeof SORTS} sort
 * @property {string} q what is searched for; '' for no search
 * @property {boolean} everywhere search in all workspaces
 * @property {boolean} mine only documents that the person has created
 * @property {string} type '' for all, like the following filters
 * @property {string} status
 * @property {string} tag a slug
 * @property {string} category_id
 */

/**
 * @template {string} K
 * @param {string | null} given
 * @param {Record<K, unknown>} known
 * @param {NoInfer<K>} otherwise
 */
const among = (given, known, otherwise) =>
  given !== null && Object.hasOwn(known, given) ? /** @type {K} */ (given) : otherwise;

/**
 * Reads the query of a list's address.
 * @param {string} search
 * @returns {ListQuery}
 */
export function parseListQuery(search) {
  const given = new URLSearchParams(search);
  return {
    view: among(given.get('view'), VIEWS, 'all'),
    sort: among(given.get('sort'), SORTS, 'edited'),
    q: given.get('q') ?? '',
    everywhere: given.get('in') === 'all',
    mine: given.get('mine') === '1',
    type: given.get('type') ?? '',
    status: given.get('status') ?? '',
    tag: given.get('tag') ?? '',
    category_id: given.get('category_id') ?? '',
  };
}

/**
 * Writes the query of a list's address; '' for the plain list.
 * @param {ListQuery} wanted
 */
export function formatListQuery(wanted) {
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

/**
 * Whether a view has its own order, and neither filters nor sorts.
 * @param {ListQuery['view']} view
 */
export const isFixed = (view) => view === 'recent' || view === 'shared';

/** @param {ListQuery} wanted */
export const isFiltered = (wanted) => wanted.mine || FILTERS.some((name) => wanted[name] !== '');

/**
 * Returns the request for a list, without cursor and limit.
 * @param {ListQuery} wanted
 * @param {{ workspace: string, person: string }} ids
 * @returns {{ path: string, query: Query }}
 */
export function requestFor(wanted, { workspace, person }) {
  const own = { type: wanted.type, tag: wanted.tag };
  if (wanted.q)
    return { path: 'search', query: { q: wanted.q, ...own, workspace_id: wanted.everywhere ? null : workspace } };
  if (wanted.view === 'recent') return { path: 'documents/recent', query: {} };
  if (wanted.view === 'shared') return { path: 'documents/shared', query: {} };
  /** @type {Query} */
  const query = {
    ...own,
    status: wanted.status,
    category_id: wanted.category_id,
    created_by: wanted.mine ? person : null,
    sort: wanted.sort,
    order: wanted.sort === 'title' ? 'asc' : 'desc',
  };
  if (wanted.view === 'favourites') query.favourite = true;
  if (wanted.view === 'templates') query.template = true;
  if (wanted.view === 'trash') query.deleted = true;
  return { path: `workspaces/${workspace}/documents`, query };
}

/**
 * The documents of a list that this browser has kept; null where it has none, or cannot know which belong to the list.
 * @param {ListQuery} wanted
 * @param {string} workspace its id
 * @param {KeptDocument[]} kept
 * @returns {Doc[] | null}
 */
export function keptFor({ view, q, everywhere }, workspace, kept) {
  if (kept.length === 0 || view === 'shared' || view === 'trash') return null;
  const text = q.toLocaleLowerCase('en');
  return kept
    .map(({ doc }) => doc)
    .filter((doc) => {
      if (view !== 'recent' && !(q && everywhere) && doc.workspace_id !== workspace) return false;
      if (view === 'favourites' && !doc.is_favourite) return false;
      if (view === 'templates' && !doc.is_template) return false;
      return titleOf(doc).toLocaleLowerCase('en').includes(text);
    });
}
