/** Pictures of people and icons of workspaces: where they are, and how they are cut out of a file. */
import { h } from './dom.js';
import { initials } from './format.js';
import { inkOn } from './identity.js';
import { request } from './request.js';

/** @import { Account } from './account-types.js' */
/** @import { Workspace } from './types.js' */

/** Pixels of a side of what is sent. */
export const SENT_SIZE = 512;
/** Pixels. Pages show pictures at half of this, for fine screens. */
const SHOWN_SIZE = 128;
const ADDRESS = /^\/api\/v1\/pictures\/[0-9a-f-]{36}\/[0-9a-f]{16}$/;

/** @type {(picture: Blob) => Promise<Account>} */
export const setAvatar = (picture) => request('users/me/avatar', { method: 'PUT', file: picture });
/** @type {() => Promise<null>} */
export const removeAvatar = () => request('users/me/avatar', { method: 'DELETE' });
/** @type {(workspace: string, picture: Blob) => Promise<Workspace>} */
export const setIcon = (workspace, picture) =>
  request(`workspaces/${workspace}/icon`, { method: 'PUT', file: picture });
/** @type {(workspace: string) => Promise<null>} */
export const removeIcon = (workspace) => request(`workspaces/${workspace}/icon`, { method: 'DELETE' });

/**
 * The address of a picture of this server; null for any other text, such as an address elsewhere or a sign as an icon.
 * @param {unknown} address
 * @returns {string | null}
 */
export const pictureAddress = (address) => (typeof address === 'string' && ADDRESS.test(address) ? address : null);

/**
 * Shows a picture over the initials of an avatar, or over a swatch. Where there is none, or it cannot be loaded, they
 * stay.
 * @template {HTMLElement} T
 * @param {T} element
 * @param {unknown} address
 * @returns {T}
 */
export function showPicture(element, address) {
  element.querySelector('img')?.remove();
  const source = pictureAddress(address);
  if (source) {
    const image = h('img', { src: `${source}?size=${SHOWN_SIZE}`, alt: '', decoding: 'async', draggable: 'false' });
    image.addEventListener('error', () => image.remove());
    element.append(image);
  }
  element.classList.toggle('pictured', source !== null);
  return element;
}

/**
 * Makes the picture of a person or a workspace, with initials where there is none.
 * @param {{ name: string, picture?: unknown, colour?: string, kind?: string }} options `kind`: a further class
 */
export function avatar({ name, picture, colour, kind = '' }) {
  const element = h('span', {
    class: `avatar ${kind}`.trim(),
    'aria-hidden': 'true',
    'data-initials': initials(name),
  });
  if (colour) {
    element.style.setProperty('--person', colour);
    element.style.setProperty('--ink', inkOn(colour));
  }
  return showPicture(element, picture);
}

/**
 * The middle of what is shown, in pixels of the picture. `zoom`: 1 shows as much as a square can.
 * @typedef {{ x: number, y: number, zoom: number }} Crop
 */

/**
 * Where fingers are together: their middle, and the distance of the first two; 0 for a single one.
 * @param {{ x: number, y: number }[]} points at least one
 * @returns {{ x: number, y: number, distance: number }}
 */
export function gripOf(points) {
  const mean = (/** @type {(point: { x: number, y: number }) => number} */ read) =>
    points.reduce((sum, point) => sum + read(point), 0) / points.length;
  const [first, second = first] = points;
  return {
    x: mean(({ x }) => x),
    y: mean(({ y }) => y),
    distance: Math.hypot(second.x - first.x, second.y - first.y),
  };
}

/**
 * The square of a picture that a crop shows, moved so that it is within the picture.
 * @param {{ width: number, height: number }} picture
 * @param {Crop} crop
 * @returns {{ left: number, top: number, side: number }}
 */
export function squareOf({ width, height }, { x, y, zoom }) {
  const side = Math.min(width, height) / Math.max(1, zoom);
  const place = (/** @type {number} */ middle, /** @type {number} */ most) =>
    Math.min(Math.max(middle - side / 2, 0), most - side);
  return { left: place(x, width), top: place(y, height), side };
}
