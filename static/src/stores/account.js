/** The sessions and the API tokens of the current user. No live event tells of them. */
import * as api from '../lib/api.js';
import { PagedStore } from './paged-store.js';

/** @import { Token, UserSession } from '../lib/account-types.js' */

/**
 * @template {{ id: string }} T
 * @param {() => Promise<{ items: T[] }>} fetchAll
 * @returns {PagedStore<T>}
 */
const inOnePage = (fetchAll) =>
  new PagedStore({
    keyOf: ({ id }) => id,
    fetchPage: async () => ({ items: (await fetchAll()).items, next_cursor: null }),
    onError: () => {},
  });

/** @returns {PagedStore<UserSession>} */
export const sessionStore = () => inOnePage(api.sessions);
/** @returns {PagedStore<Token>} */
export const tokenStore = () => inOnePage(api.tokens);
