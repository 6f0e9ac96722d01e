/** The share dialog of a document: who has access and why, links, requests for access, the address of the page. */
import { effect } from '@preact/signals';
import { h, render } from 'preact';
import { pageOf, workspacePage } from '../lib/addresses.js';
import { mayDelete, mayEdit, titleOf } from '../lib/document-types.js';
import { h as element } from '../lib/dom.js';
import { messageOf } from '../lib/request.js';
import { PublicPageStore } from '../stores/public-page.js';
import { ShareStore } from '../stores/shares.js';
import { openDialog } from './dialog.js';
import { useCurrentTimes } from './elements.js';
import { CopyButton } from './share-copy.js';
import { newLinkDialog } from './share-link-dialogs.js';
import { Links } from './share-links.js';
import { Members } from './share-members.js';
import { People } from './share-people.js';
import { Publish } from './share-publish.js';
import { Requests } from './share-requests.js';

/** @import { ChangeEvent, CurrentUser, Doc, Workspace } from '../lib/types.js' */

/**
 * What the parts of the dialog know. `workspace`: null where the person is no member of it. `publishes`: the person may
 * publish the document.
 * @typedef {{ doc: Doc, workspace: Workspace | null, store: ShareStore, members: MemberList, publication: PublicPageStore,
 *   publishes: boolean }} Sharing
 * @typedef {import('./share-members.js').MemberList} MemberList
 */

/**
 * Whether the person may be one who decides who opens the document. The server knows.
 * @param {Doc} doc
 * @param {Workspace | null} workspace
 */
const mayShare = (doc, workspace) => (workspace ? mayEdit(doc) : doc.role === 'admin');

/**
 * Whether the person may be one who publishes the document: its author, or an administrator.
 * @param {Doc} doc
 * @param {CurrentUser} who
 */
const mayPublish = (doc, who) =>
  doc.type !== 'password' && (mayDelete(doc) || (mayEdit(doc) && doc.created_by?.id === who.id));

/** @param {Sharing} sharing */
const linksOf = ({ doc, store }) => ({
  store,
  make: () => newLinkDialog(doc.id),
  none: 'No links. With a link, people open the document without an account.',
});

/** @param {{ sharing: Sharing }} props */
function Content({ sharing }) {
  useCurrentTimes();
  const { doc, workspace, store } = sharing;
  const decides = store.loaded.value && !store.refused.value;
  return [
    decides && store.requests.value.length > 0 && h(Requests, { key: 'requests', sharing }),
    decides && h(People, { key: 'people', sharing }),
    h(Members, { key: 'members', sharing, decides }),
    decides && h(Links, { key: 'links', list: linksOf(sharing) }),
    h(Publish, { key: 'publish', sharing }),
    store.problem.value &&
      h(
        'p',
        { key: 'problem', class: 'form-alert', role: 'alert' },
        store.problem.value,
        ' ',
        h('button', { class: 'link', type: 'button', onClick: () => store.load() }, 'Try again'),
      ),
    h(
      'div',
      { key: 'page', class: 'actions between' },
      h(CopyButton, { text: location.origin + pageOf(doc.address), label: 'Copy page link' }),
      workspace &&
        h('a', { class: 'button quiet', href: `${workspacePage(workspace)}/settings` }, 'Members and settings'),
    ),
  ];
}

/**
 * @param {Doc} doc
 * @param {object} how
 * @param {Workspace | null} how.workspace null where the person is no member of it
 * @param {CurrentUser} how.who
 * @param {EventTarget} how.session tells live events of the document; see Session
 */
export async function shareDialog(doc, { workspace, who, session }) {
  const { MemberList } = await import('./share-members.js');
  const store = new ShareStore({ document: doc.id });
  const members = new MemberList(workspace);
  const publication = new PublicPageStore({ document: doc.id });
  const publishes = mayPublish(doc, who);
  const sharing = { doc, workspace, store, members, publication, publishes };
  const root = element('div', { class: 'sharing' });
  const { closed } = openDialog({ title: `Share “${titleOf(doc)}”`, wide: true, content: [root] });
  const follow = (/** @type {Event} */ event) => {
    const change = /** @type {CustomEvent<ChangeEvent | null>} */ (event).detail;
    for (const each of isDeciding ? [store, publication] : [publication]) {
      if (change) each.apply(change);
      else each.resync();
    }
  };
  const isDeciding = mayShare(doc, workspace);
  store.refused.value = !isDeciding;
  session.addEventListener('live', follow);
  const stop = effect(() => render(h(Content, { sharing }), root));
  try {
    await Promise.all([isDeciding && store.load(), members.load(), publication.load()]);
  } catch (error) {
    store.problem.value = messageOf(error);
  }
  await closed;
  session.removeEventListener('live', follow);
  stop();
  render(null, root);
}
