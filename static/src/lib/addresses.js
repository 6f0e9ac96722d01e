/** Addresses of documents (`notes`, `@team/plans/2025`, a UUID) and the URLs of pages. */

/** @param {string} address */
const encodeSegments = (address) => address.split('/').map(encodeURIComponent).join('/').replaceAll('%40', '@');

/**
 * The page that edits a document.
 * @param {string} address
 */
export const pageOf = (address) => `/d/${encodeSegments(address)}`;

/**
 * The room name in the URL of a WebSocket.
 * @param {string} address
 */
export const roomOf = (address) => encodeSegments(address);

/**
 * The address in the path of an editor page; the path itself where it is not valid percent-encoding.
 * @param {string} pathname
 */
export function addressIn(pathname) {
  const rest = pathname.replace(/^\/d\//, '').replace(/\/+$/, '');
  try {
    return decodeURIComponent(rest);
  } catch {
    return rest;
  }
}

/**
 * Makes an address of typed text; '' when nothing is left.
 * @param {string} text
 */
export const typedAddress = (text) =>
  text
    .trim()
    .replace(/^\/+|\/+$/g, '')
    .replace(/\/{2,}/g, '/');

/** The sign-in page, which leads back to this page (or to `next`). */
export const signInPage = (next = location.pathname + location.search) =>
  next === '/' ? '/signin' : `/signin?next=${encodeURIComponent(next)}`;

/**
 * The path to open after signing in; '/' for anything but a path of this server.
 * @param {string} search the query of the sign-in page
 */
export function nextIn(search) {
  const next = new URLSearchParams(search).get('next') ?? '/';
  try {
    const url = new URL(next, location.origin);
    return url.origin === location.origin && next.startsWith('/') ? url.pathname + url.search + url.hash : '/';
  } catch {
    return '/';
  }
}

/**
 * The list of a workspace's documents.
 * @param {{ slug?: string | null, id: string }} workspace
 */
export const workspacePage = ({ slug, id }) => `/w/${encodeURIComponent(slug ?? id)}`;
