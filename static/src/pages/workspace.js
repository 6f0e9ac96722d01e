/** The settings page of a workspace. */
import { activitySection } from '../components/activity-list.js';
import { confirmDialog } from '../components/dialog.js';
import { invitationsSection } from '../components/invitation-list.js';
import { membersSection } from '../components/member-list.js';
import { showFailure, startPage } from '../components/page-header.js';
import { actionRow, section, settingsForm, showSections } from '../components/settings.js';
import { toast, tryTo } from '../components/toast.js';
import { transferDialog } from '../components/transfer-dialog.js';
import { iconField, showIcon } from '../components/workspace-icon.js';
import { linksSection } from '../components/workspace-links.js';
import { usageSection } from '../components/workspace-usage.js';
import { bindSwitcher, colourField } from '../components/workspace-switcher.js';
import { workspacePage } from '../lib/addresses.js';
import { subscriptionSection } from '../components/workspace-subscription.js';
import * as api from '../lib/api.js';
import { $, find, h, setText } from '../lib/dom.js';
import { memory } from '../lib/identity.js';
import { pageEvents } from '../lib/page-events.js';
import { statusOf } from '../lib/request.js';
import { MemberStore } from '../stores/members.js';
import { WorkspaceLinkStore } from '../stores/workspace-links.js';

/** @import { ChangeEvent, CurrentUser, Workspace } from '../lib/types.js' */

/** @type {(workspace: Workspace, permission: string) => boolean} */
const may = (workspace, permission) => workspace.permissions.includes(permission);
/** @param {Workspace} workspace */
const settingsOf = (workspace) => `${workspacePage(workspace)}/settings`;

/** @param {Workspace} workspace */
function general(workspace) {
  return section(
    'General',
    null,
    iconField(workspace),
    settingsForm(
      [
        { name: 'name', label: 'Name', value: workspace.name, required: true, maxlength: 100, autocomplete: 'off' },
        {
          name: 'slug',
          label: 'Address',
          value: workspace.slug,
          required: true,
          maxlength: 63,
          pattern: '[a-z0-9]+(-[a-z0-9]+)*',
          title: 'Small letters and digits, with single hyphens between them',
          autocomplete: 'off',
          spellcheck: 'false',
          hint: `Its pages are at ${location.origin}/w/… Links with the old address stop working.`,
        },
        { name: 'description', label: 'Description', type: 'textarea', value: workspace.description, maxlength: 1000 },
        colourField({ value: workspace.color }),
      ],
      async (values) => {
        const known = /** @type {Record<string, any>} */ (workspace);
        const change = Object.fromEntries(
          Object.entries(values)
            .map(([name, value]) => [name, value || null])
            .filter(([name, value]) => value !== (known[name] ?? null)),
        );
        if (Object.keys(change).length === 0) return;
        Object.assign(workspace, await api.changeWorkspace(workspace.id, change, workspace.row_version));
        history.replaceState(null, '', settingsOf(workspace));
        const name = find($('switcher'), '.switcher-name');
        if (name) setText(name, workspace.name);
      },
    ),
  );
}

/** @param {Workspace} workspace */
const files = (workspace) =>
  section(
    'Files',
    null,
    actionRow(
      'Download everything',
      'A zip file with all documents, as Markdown and in the form that can be imported again.',
      'Download',
      () => location.assign(api.workspaceArchive(workspace.id)),
    ),
  );

/**
 * @param {Workspace} workspace
 * @param {CurrentUser} user
 * @param {() => Promise<void>} refresh shows the page again
 */
function lastingChanges(workspace, user, refresh) {
  const apply = async (/** @type {() => Promise<Workspace>} */ act, /** @type {string} */ text) => {
    if (!(await tryTo(act))) return;
    await refresh();
    toast(text);
  };
  const owner = workspace.role === 'owner';
  const personal = workspace.kind === 'personal';
  const rows = [
    may(workspace, 'can_manage_workspace') &&
      (workspace.archived_at
        ? actionRow('Archived', 'Its documents can be read, not changed.', 'Unarchive', () =>
            apply(() => api.unarchiveWorkspace(workspace.id), 'Unarchived.'),
          )
        : actionRow(
            'Archive',
            'All documents can still be read. Nothing can be changed until you unarchive it.',
            'Archive',
            () => apply(() => api.archiveWorkspace(workspace.id), 'Archived.'),
          )),
    owner &&
      !personal &&
      actionRow('Hand over', 'Make another member the owner.', 'Hand over…', async () => {
        if (await transferDialog(workspace, user)) await refresh();
      }),
    !owner &&
      actionRow(
        'Leave',
        'You lose access to its documents.',
        'Leave…',
        async () => {
          const left = await confirmDialog({
            title: `Leave ${workspace.name}?`,
            text: 'Only an invitation brings you back.',
            verb: 'Leave',
            act: () => api.removeMember(workspace.id, user.id),
          });
          if (left) location.assign('/');
        },
        true,
      ),
    owner &&
      !personal &&
      actionRow(
        'Delete',
        'Nobody can open it any more. You can restore it from your account page for a while.',
        'Delete…',
        async () => {
          const gone = await confirmDialog({
            title: `Delete ${workspace.name}?`,
            text: 'Its documents close for everybody. You can restore it from your account page.',
            verb: 'Delete workspace',
            act: () => api.deleteWorkspace(workspace.id),
          });
          if (gone) {
            memory.set('workspace', null);
            location.assign('/');
          }
        },
        true,
      ),
  ];
  return section('Lasting changes', null, ...rows);
}

/**
 * @param {Workspace} workspace
 * @param {() => Promise<void>} refresh shows the page again
 */
function showDeleted(workspace, refresh) {
  showSections(workspace.name, [
    section(
      'This workspace was deleted',
      null,
      actionRow('Restore', 'Restores it with its documents and members.', 'Restore', async () => {
        if (await tryTo(() => api.restoreWorkspace(workspace.id))) await refresh();
      }),
    ),
  ]);
}

/** Shows the settings of the workspace that the page's address names. */
class SettingsPage {
  /** @param {CurrentUser} user */
  constructor(user) {
    this.user = user;
    this.events = pageEvents();
    this.events.follow(this);
    /** @type {Workspace | null} */
    this.workspace = null;
    /** @type {MemberStore | null} */
    this.members = null;
    /** @type {WorkspaceLinkStore | null} */
    this.links = null;
  }

  /** Shows the page again: after its start, and after a change of the workspace's state or of the person's rights. */
  async refresh() {
    const slug = decodeURIComponent(location.pathname.split('/')[2]);
    const isWanted = (/** @type {Workspace} */ each) =>
      each.id === this.workspace?.id || each.slug === slug || each.id === slug;
    const { items } = await api.workspaces();
    const listed = items.find(isWanted);
    if (listed) {
      await this.show(await api.workspace(listed.id), items);
      return;
    }
    this.workspace = null;
    const deleted = (await api.workspaces({ deleted: true })).items.find(isWanted);
    if (deleted?.deleted_at) showDeleted(deleted, () => this.refresh());
    else showFailure({ status: 404 });
  }

  /**
   * @param {Workspace} workspace
   * @param {Workspace[]} workspaces all of the current user
   */
  async show(workspace, workspaces) {
    const { user } = this;
    this.workspace = workspace;
    bindSwitcher($('bar'), workspace, workspaces);
    const isManager = may(workspace, 'can_manage_workspace');
    const isOpen = !workspace.archived_at;
    showSections('Workspace', [
      isManager && isOpen && general(workspace),
      membersSection(workspace, user, this.memberStore(workspace)),
      may(workspace, 'can_invite_members') && isOpen && invitationsSection(workspace),
      may(workspace, 'can_invite_members') && isOpen && linksSection(this.linkStore(workspace)),
      await subscriptionSection(workspace),
      await usageSection(workspace),
      isManager && files(workspace),
      isManager && activitySection(workspace),
      lastingChanges(workspace, user, () => this.refresh()),
    ]);
    find(document, '.back')?.remove();
    $('heading').before(h('a', { class: 'back', href: workspacePage(workspace) }, '← Documents'));
  }

  /** @param {Workspace} workspace */
  memberStore(workspace) {
    if (this.members) this.events.unfollow(this.members);
    this.members = new MemberStore({ workspace: workspace.id, onError: () => {} });
    this.events.follow(this.members);
    return this.members;
  }

  /** @param {Workspace} workspace */
  linkStore(workspace) {
    if (this.links) this.events.unfollow(this.links);
    this.links = new WorkspaceLinkStore(workspace.id);
    this.events.follow(this.links);
    return this.links;
  }

  /** @param {ChangeEvent} event */
  apply(event) {
    if (event.entity_type === 'workspace' && event.workspace_id === this.workspace?.id) this.compare();
  }

  resync() {
    this.compare();
  }

  /** Shows the page again where the state of the workspace or the rights differ: not more often, as forms may be filled in. */
  async compare() {
    const { workspace } = this;
    if (!workspace) return;
    const now = await api.workspace(workspace.id).catch((error) => {
      if (statusOf(error) !== 404) throw error;
      return null;
    });
    if (workspace !== this.workspace) return;
    const stateOf = (/** @type {Workspace | null} */ each) =>
      JSON.stringify([each?.archived_at ?? null, each?.role, each?.permissions]);
    if (stateOf(now) !== stateOf(workspace)) await this.refresh();
    else if (now && now.icon !== workspace.icon) {
      workspace.icon = now.icon;
      showIcon(now.icon);
    }
  }
}

/** @type {SettingsPage | undefined} */
let page;

/** @param {CurrentUser} user */
async function show(user) {
  if (!page) {
    page = new SettingsPage(user);
  }
  await page.refresh();
}

startPage(show, { needsAccount: true });
