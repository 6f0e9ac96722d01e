/** Commands that every page has: places to go to, new documents, workspaces, the theme. */
import { signInPage, workspacePage } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { commandsOf } from '../lib/commands.js';
import { memory } from '../lib/identity.js';
import { formatListQuery, parseListQuery, VIEWS } from '../lib/list-query.js';
import { THEMES, chooseTheme } from '../lib/theme.js';
import { kindItems, startDocument } from './new-document.js';
import { signOut } from './page-header.js';
import { newWorkspaceDialog } from './workspace-switcher.js';

/** @import { Command } from '../lib/commands.js' */
/** @import { CurrentUser, Workspace } from '../lib/types.js' */

/** @type {Record<string, import('./icons.js').IconName>} */
const VIEW_ICONS = { trash: 'trash', favourites: 'star', recent: 'clock', shared: 'people', templates: 'template' };
const views = /** @type {(keyof typeof VIEWS)[]} */ (Object.keys(VIEWS));

/** @param {CurrentUser | null} who */
const themes = (who) =>
  /** @type {(keyof typeof THEMES)[]} */ (Object.keys(THEMES)).map((theme) => ({
    label: `Theme: ${THEMES[theme]}`,
    group: 'Settings',
    icon: /** @type {const} */ ('brush'),
    checked: (memory.get('theme') ?? 'system') === theme,
    act: () => {
      chooseTheme(theme);
      if (who?.kind === 'user') api.changePreferences({ theme }).catch(() => {});
    },
  }));

/**
 * @param {Workspace} workspace
 * @returns {Command[]}
 */
function creating(workspace) {
  if (!workspace.can_create || workspace.archived_at) return [];
  const kinds = commandsOf(
    'New',
    kindItems(workspace, () => location.assign(workspacePage(workspace))),
  );
  const named = kinds.map(({ label, ...command }) => ({
    ...command,
    label: label.startsWith('Import') ? label : `New ${label.charAt(0).toLowerCase()}${label.slice(1)}`,
    icon: command.icon ?? /** @type {const} */ ('plus'),
  }));
  return [
    {
      label: 'New document',
      note: `In ${workspace.name}`,
      group: 'New',
      icon: 'plus',
      act: () => startDocument(workspace),
    },
    ...named.map((each) => (each.label === 'New document' ? { ...each, label: 'New Markdown document' } : each)),
  ];
}

/**
 * @param {CurrentUser} who
 * @param {Workspace[]} workspaces
 * @returns {Command[]}
 */
function ofMember(who, workspaces) {
  const current = workspaces.find(({ id }) => id === memory.get('workspace')) ?? workspaces[0];
  const group = 'Go to';
  /** @type {(Command | false)[]} */
  const places = current
    ? [
        ...views.map((view) => ({
          label: view === 'all' ? 'All documents' : VIEWS[view].heading,
          group,
          icon: VIEW_ICONS[view] ?? 'document',
          href: workspacePage(current) + formatListQuery({ ...parseListQuery(''), view }),
        })),
        current.kind !== 'playground' && {
          label: `Settings of ${current.name}`,
          group,
          icon: 'gear',
          href: `${workspacePage(current)}/settings`,
        },
      ]
    : [];
  /** @type {(Command | false)[]} */
  const all = [
    ...(current ? creating(current) : []),
    ...places,
    ...workspaces.map((workspace) => ({
      label: `Workspace: ${workspace.name}`,
      group,
      icon: /** @type {const} */ ('people'),
      href: workspacePage(workspace),
    })),
    { label: 'Your account', group, icon: /** @type {const} */ ('person'), href: '/account' },
    Boolean(who.is_admin) && { label: 'Administration', group, icon: /** @type {const} */ ('shield'), href: '/admin' },
    { label: 'New workspace…', group: 'New', icon: /** @type {const} */ ('plus'), act: newWorkspaceDialog },
    { label: 'Sign out', group: 'Settings', icon: /** @type {const} */ ('leave'), act: signOut },
  ];
  return all.filter((each) => each !== false);
}

/** @type {Promise<Command[]> | null} */
let known = null;

async function find() {
  const who = await api.me().catch(() => null);
  if (who?.kind !== 'user')
    return [
      { label: 'All documents', group: 'Go to', icon: /** @type {const} */ ('document'), href: '/' },
      { label: 'Sign in', group: 'Go to', icon: /** @type {const} */ ('person'), href: signInPage() },
    ];
  const { items } = await api.workspaces().catch(() => ({ items: [] }));
  return ofMember(who, items);
}

/**
 * The commands of every page. Asks the server at the first call of a page only.
 * @returns {Promise<Command[]>}
 */
export async function generalCommands() {
  known ??= find();
  const who = memory.get('account') === 'guest' ? null : await api.me().catch(() => null);
  return [...(await known), ...themes(who)];
}
