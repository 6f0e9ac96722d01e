/** The tools of the editor page for people with an account: favourite, share, and the menu of the document. */
import { workspacePage } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { bring } from '../lib/bring.js';
import { commandsOf, offer, openPalette } from '../lib/commands.js';
import { documentMenu } from '../components/document-menu.js';
import { titleOf } from '../lib/document-types.js';
import { $, find, h, setText } from '../lib/dom.js';
import { icon } from '../components/icons.js';
import { memory } from '../lib/identity.js';
import { ownShare } from '../lib/shares-api.js';
import { requestDialog } from './access-request.js';
import { historyMenu } from './history-tools.js';
import { moreButton } from '../components/menu.js';
import { toast, tryTo } from '../components/toast.js';

/** @import { Items } from '../components/menu.js' */
/** @import { CurrentUser, Doc, Workspace } from '../lib/types.js' */
/** @import { Session } from './session.js' */

/** The fragment of addresses that open the share dialog. */
const SHARE = '#share';
const MAY_ASK = new Set(['viewer', 'commenter']);

/** @type {Workspace[]} */
let workspaces = [];
/** @type {Workspace | null} */
let workspace = null;
/** Whether the document is shared with the person, who is no member of its workspace. */
let isShared = false;
/** The document and the role with which that was last asked. */
let asked = '';

/** @param {Session} session */
async function findWorkspace(session) {
  const id = session.details?.workspace_id;
  if (!id || workspace?.id === id) return;
  workspaces = (await api.workspaces().catch(() => ({ items: [] }))).items;
  workspace = workspaces.find((each) => each.id === id) ?? null;
  if (!workspace) {
    await findShare(session);
    return;
  }
  memory.set('workspace', id);
  const back = find(document, '.bar > a.icon-button', HTMLAnchorElement);
  if (!back) return;
  back.href = workspacePage(workspace);
  back.title = `Documents of ${workspace.name}`;
}

/** @param {Session} session */
async function findShare({ details }) {
  const key = details ? `${details.id} ${details.role}` : '';
  if (!details || key === asked) return;
  asked = key;
  isShared = await ownShare(details.id).then(
    () => true,
    () => false,
  );
}

/**
 * @param {Doc} doc
 * @param {(doc: Doc) => void} toggle
 */
function starButton(doc, toggle) {
  const isOn = Boolean(doc.is_favourite);
  return h(
    'button',
    {
      class: 'icon-button star',
      type: 'button',
      'aria-pressed': String(isOn),
      'aria-label': isOn ? `Remove ${titleOf(doc)} from favourites` : `Add ${titleOf(doc)} to favourites`,
      title: isOn ? 'Favourite' : 'Add to favourites',
      onclick: () => toggle(doc),
    },
    icon('star'),
  );
}

/**
 * @param {Session} session
 * @param {CurrentUser} who
 * @param {() => Items} further entries of the menu
 */
export function bindMember(session, who, further) {
  const history = historyMenu(session, who);
  const bar = $('bar');
  const copy = $('copy-link');
  const tools = h('div', { class: 'tools' });
  const share = h('button', { class: 'button primary share', type: 'button' }, icon('people'), h('span', {}, 'Share'));
  let isOpen = false;
  share.addEventListener('click', async () => {
    if (isOpen) return;
    isOpen = true;
    await findWorkspace(session);
    const { shareDialog } = await bring(() => import('../components/share-dialog.js'));
    if (session.details) await shareDialog(session.details, { workspace, who, session });
    isOpen = false;
  });
  const openAsked = () => {
    if (location.hash !== SHARE || share.hidden || !session.details) return;
    window.history.replaceState(null, '', location.pathname);
    share.click();
  };
  addEventListener('hashchange', openAsked);
  copy.replaceWith(tools);
  $('theme').classList.add('wide-only');

  const star = async (/** @type {Doc} */ doc) => {
    const on = !doc.is_favourite;
    if (!(await tryTo(() => api.setFavourite(doc.id, on).then(() => true)))) return;
    session.describe({ ...doc, ...session.details, is_favourite: on });
    setText($('announcer'), on ? 'Added to favourites' : 'Removed from favourites');
    (matchMedia('(max-width: 600px)').matches ? more : find(tools, '.star'))?.focus();
  };
  /** @type {() => Items} */
  const items = () => {
    const { details } = session;
    return details ? itemsFor(details) : [];
  };
  /** @type {(doc: Doc) => Items} */
  const itemsFor = (details) => [
    ...documentMenu(details, {
      workspaces: () => workspaces,
      changed: (doc) => session.describe(doc),
      gone: () => {
        location.assign(workspace ? workspacePage(workspace) : '/?view=shared');
      },
      back: () => session.connect(),
      made: () => {},
      isShared: isShared && !workspace,
    }),
    'line',
    ...history(),
    ...further(),
    {
      label: details.is_favourite ? 'Remove from favourites' : 'Add to favourites',
      icon: 'star',
      act: () => star(details),
    },
    MAY_ASK.has(details.role ?? '') && {
      label: 'Ask for more rights…',
      icon: 'key',
      act: () => requestDialog(details.id, { more: true, wanted: details.role === 'viewer' ? 'comment' : 'write' }),
    },
  ];
  offer(() => [
    ...commandsOf('Document', items()),
    ...(share.hidden
      ? []
      : [{ label: 'Share…', group: 'Document', icon: /** @type {const} */ ('people'), act: () => share.click() }]),
  ]);
  const more = moreButton('Document menu', () => [
    ...items(),
    'line',
    { label: 'Search and commands…', note: 'Alt+/', icon: 'search', act: openPalette },
  ]);
  let shown = '';
  const show = async () => {
    const { details } = session;
    if (!details) return;
    const key = `${details.id} ${details.is_favourite}`;
    if (key !== shown) {
      shown = key;
      const held = document.activeElement;
      tools.replaceChildren(starButton(details, star), share, more);
      if (held instanceof HTMLElement && tools.contains(held)) held.focus();
    }
    await findWorkspace(session);
    // Others decide who opens the document only where they are its administrators.
    share.hidden = workspace ? workspace.kind === 'playground' : details.role !== 'admin';
    openAsked();
  };
  session.addEventListener('details', show);
  show();
  bar.dataset.member = '';
  bring(() => import('../components/inbox.js')).then(({ bindInbox }) => bindInbox((bell) => tools.before(bell)));
  api.onSignedOut(() => toast('Your session has ended. Your text stays here; sign in again in another tab to go on.'));
}
