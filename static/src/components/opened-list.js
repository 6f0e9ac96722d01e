/** The documents of a link to many of them, on the page of the link. */
import { pageOf } from '../lib/addresses.js';
import { titleOf } from '../lib/document-types.js';
import { h } from '../lib/dom.js';
import { keepOpened } from '../lib/opened-links.js';
import { useLink } from '../lib/request.js';
import { sharedDocuments } from '../lib/shares-api.js';
import { showCard } from './card.js';
import { tryTo } from './toast.js';

/** @import { Opened } from '../lib/opened-links.js' */

/**
 * Lists the documents. The page of each of them has the rights of the link.
 * @param {Opened} opened
 */
export async function showOpened(opened) {
  useLink({ token: opened.token, dropped: () => {} });
  const list = h('ul', { class: 'opened-list', 'aria-label': 'Documents' });
  const more = h('button', { class: 'button full', type: 'button' }, 'Show more');
  /** @type {string | null} */
  let cursor = null;
  const read = async () => {
    const page = await sharedDocuments({ cursor });
    for (const doc of page.items) {
      keepOpened(doc.id, opened);
      list.append(h('li', {}, h('a', { href: pageOf(doc.id) }, titleOf(doc))));
    }
    cursor = page.next_cursor;
    more.hidden = cursor === null;
  };
  more.addEventListener('click', () => tryTo(read));
  await read();
  showCard(
    opened.title ?? 'Shared documents',
    list.childElementCount > 0 ? list : h('p', {}, 'No documents are here now.'),
    more,
  );
}
