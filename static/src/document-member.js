/** What people with an account have on the editor page besides the text: favourite, share, and the document's menu. */
import { workspacePage } from './addresses.js';
import * as api from './api.js';
import { documentMenu } from './document-actions.js';
import { h, setText } from './dom.js';
import { icon } from './icons.js';
import { memory } from './identity.js';
import { moreButton } from './menu.js';
import { openQuick } from './quick.js';
import { starButton } from './rows.js';
import { shareDialog } from './share.js';
import { toast, tryTo } from './toast.js';

let workspaces = [];
let workspace = null;

async function findWorkspace(session) {
  const id = session.details?.workspace_id;
  if (!id || workspace?.id === id) return;
  workspaces = (await api.workspaces().catch(() => ({ items: [] }))).items;
  workspace = workspaces.find((each) => each.id === id) ?? null;
  if (!workspace) return;
  memory.set('workspace', id);
  const back = document.querySelector('.bar > a.icon-button');
  back.href = workspacePage(workspace);
  back.title = `Documents of ${workspace.name}`;
}

/** @param {import('./session.js').Session} session */
export function bindMember(session) {
  const bar = document.getElementById('bar');
  const copy = document.getElementById('copy-link');
  const tools = h('div', { class: 'tools' });
  const share = h('button', { class: 'button primary share', type: 'button' }, icon('people'), h('span', {}, 'Share'));
  share.addEventListener('click', () => { if (workspace && session.details) shareDialog(session.details, workspace); });
  copy.replaceWith(tools);
  document.getElementById('theme').classList.add('wide-only');

  const star = async (doc) => {
    const on = !doc.is_favourite;
    if ((await tryTo(async () => (await api.setFavourite(doc.id, on), true))) === undefined) return;
    session.describe({ ...session.details, is_favourite: on });
    setText(document.getElementById('announcer'), on ? 'Added to favourites' : 'Removed from favourites');
    (matchMedia('(max-width: 600px)').matches ? more : tools.querySelector('.star')).focus();
  };
  const items = () => [
    ...documentMenu(session.details, {
      workspaces: () => workspaces,
      changed: (doc) => session.describe(doc),
      gone: () => { location.assign(workspace ? workspacePage(workspace) : '/'); },
      back: () => location.reload(),
      made: () => {},
    }),
    'line',
    {
      label: session.details.is_favourite ? 'Remove from favourites' : 'Add to favourites', icon: 'star', act: () => star(session.details),
    },
    { label: 'Go to document…', icon: 'search', act: openQuick },
  ];
  const more = moreButton('Document menu', items);
  let shown = '';
  const show = async () => {
    const { details } = session;
    if (!details) return;
    const key = `${details.id} ${details.is_favourite}`;
    if (key !== shown) {
      shown = key;
      const held = tools.contains(document.activeElement) && document.activeElement;
      tools.replaceChildren(starButton(details, star), share, more);
      if (held && held.isConnected) held.focus();
    }
    await findWorkspace(session);
    share.hidden = !workspace || workspace.kind === 'playground';
  };
  session.addEventListener('details', show);
  show();
  bar.dataset.member = '';
  api.onSignedOut(() => toast('Your session has ended. Your text stays here; sign in again in another tab to go on.'));
}
