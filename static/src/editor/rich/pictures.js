/** Pictures from this device, and the addresses under which a browser gets those of the document. */
import * as api from '../../lib/attachments-api.js';
import { h } from '../../lib/dom.js';

/** @import { Session } from '../session.js' */

const OWN = /^\/api\/v1\/attachments\/([0-9a-f-]{36})\/content/;

/**
 * Asks for pictures of this device.
 * @param {(data: DataTransfer) => void} take
 */
export function pickPicture(take) {
  const input = h('input', { type: 'file', accept: 'image/*', multiple: true });
  input.addEventListener('change', () => {
    const data = new DataTransfer();
    for (const file of input.files ?? []) data.items.add(file);
    if (data.files.length > 0) take(data);
  });
  input.click();
}

/**
 * An address that the browser can follow. Guests of a link have no cookie that would open the stored one.
 * @param {Session} session
 * @param {string} src
 */
export async function pictureAddress({ link }, src) {
  const id = link && OWN.exec(src)?.[1];
  if (!id) return src;
  const { signed_url: signed } = await api.attachment(id).catch(() => ({ signed_url: null }));
  return signed ?? src;
}
