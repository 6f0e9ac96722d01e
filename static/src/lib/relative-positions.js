/** Relative positions of Yjs as the server writes them: base64url. */
import * as Y from 'yjs';

/** @param {Y.RelativePosition} position */
export function encoded(position) {
  const bytes = String.fromCharCode(...Y.encodeRelativePosition(position));
  return btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** @param {string} position as `encoded` writes it */
export function decoded(position) {
  const binary = atob(position.replaceAll('-', '+').replaceAll('_', '/'));
  return Y.decodeRelativePosition(Uint8Array.from(binary, (one) => one.charCodeAt(0)));
}

/**
 * The positions of a range. Text that is typed at its edges stays outside.
 * @param {Y.Text} text
 * @param {number} from
 * @param {number} to
 */
export const relativeRange = (text, from, to) => ({
  relative_start: encoded(Y.createRelativePositionFromTypeIndex(text, from, 0)),
  relative_end: encoded(Y.createRelativePositionFromTypeIndex(text, to, -1)),
});

/**
 * The offset of a position in a text; null where it is in no visible text.
 * @param {Y.Doc} doc
 * @param {Y.Text} text
 * @param {string} position
 */
export function offsetOf(doc, text, position) {
  try {
    const found = Y.createAbsolutePositionFromRelativePosition(decoded(position), doc);
    return found?.type === text ? found.index : null;
  } catch {
    return null;
  }
}
