/** Addresses in rich text: which ones links may lead to, and which pictures are shown. */

const SCHEME = /^[a-z][a-z0-9+.-]*:/i;
const LINKS = /^(?:https?|mailto|tel):/i;
// Browsers ignore them within a scheme.
const IGNORED = /[\p{C}\s]+/gu;

/**
 * Whether a link may lead there: to the web, a mailbox, a telephone, or a place on this server.
 * @param {unknown} address
 */
export function isSafe(address) {
  if (typeof address !== 'string') return false;
  const bare = address.replace(IGNORED, '');
  return bare !== '' && (LINKS.test(bare) || !SCHEME.test(bare));
}

/**
 * What somebody means who types an address: `example.org` is a website, `ann@example.org` a mailbox. null: none that a
 * link may lead to.
 * @param {string} typed
 */
export function addressFrom(typed) {
  const text = typed.trim();
  if (!text || /\s/.test(text)) return null;
  if (/^[^@/:]+@[^@/:]+\.[^@/:]+$/.test(text)) return `mailto:${text}`;
  if (/^[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+(?::\d+)?(?:[/?#].*)?$/u.test(text)) return `https://${text}`;
  return isSafe(text) ? text : null;
}

/**
 * Whether the page may load a picture: one of this server, or one in the document. Other servers would learn who reads.
 * @param {unknown} address
 * @param {string} origin of the page
 */
export function isOwnPicture(address, origin) {
  if (typeof address !== 'string' || !address) return false;
  if (/^data:image\/(?:png|jpeg|gif|webp|avif);/i.test(address)) return true;
  try {
    return new URL(address, origin).origin === origin;
  } catch {
    return false;
  }
}
