/** Addresses of documents (`notes`, `@team/plans/2025`, a UUID) and their places in URLs. */

const encodeSegments = (address) => address.split('/').map(encodeURIComponent).join('/').replaceAll('%40', '@');

/** @returns {string} the page that edits the document */
export const pageOf = (address) => `/d/${encodeSegments(address)}`;

/** @returns {string} the room name for the WebSocket URL */
export const roomOf = (address) => encodeSegments(address);

/** @returns {string} the address in the path of an editor page; the path itself where it is not valid percent-encoding */
export function addressIn(pathname) {
  const rest = pathname.replace(/^\/d\//, '').replace(/\/+$/, '');
  try {
    return decodeURIComponent(rest);
  } catch {
    return rest;
  }
}

/** @returns {string} what a person typed as an address, or '' when nothing is left */
export const typedAddress = (text) => text.trim().replace(/^\/+|\/+$/g, '').replace(/\/{2,}/g, '/');

/** @returns {string} the sign-in page, which leads back to here (or to `next`) */
export const signInPage = (next = location.pathname + location.search) =>
  (next === '/' ? '/signin' : `/signin?next=${encodeURIComponent(next)}`);

/** @returns {string} a path of this server to go on to; '/' for anything else, such as the address of another site */
export function nextIn(search) {
  const next = new URLSearchParams(search).get('next') ?? '/';
  try {
    const url = new URL(next, location.origin);
    return url.origin === location.origin && next.startsWith('/') ? url.pathname + url.search + url.hash : '/';
  } catch {
    return '/';
  }
}

/** @returns {string} the list of a workspace's documents */
export const workspacePage = ({ slug, id }) => `/w/${encodeURIComponent(slug ?? id)}`;
