/** The workspace switcher in the header, and the dialog that creates a workspace. */
import { workspacePage } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { h } from '../lib/dom.js';
import { formDialog } from './dialog.js';
import { icon } from './icons.js';
import { memory } from '../lib/identity.js';
import { showPicture } from '../lib/pictures.js';
import { bindMenu } from './menu.js';
import { swatch } from './page-header.js';

/** @import { Workspace } from '../lib/types.js' */

/** @type {[string, string][]} Colours of workspaces and tags, and their names. */
export const PALETTE = [
  ['#3f51c9', 'Indigo'],
  ['#1d6fb8', 'Blue'],
  ['#0f766e', 'Teal'],
  ['#4d7c0f', 'Olive'],
  ['#b45309', 'Amber'],
  ['#be3455', 'Rose'],
  ['#7c3aed', 'Violet'],
  ['#57534e', 'Stone'],
];

/**
 * Makes a choice among the colours of the palette.
 * @param {{ value?: string | null, name?: string, label?: string }} options
 * @returns {HTMLFieldSetElement}
 */
export function colourField({ value, name = 'color', label = 'Colour' }) {
  const choices = PALETTE.some(([colour]) => colour === value) || !value ? PALETTE : [[value, value], ...PALETTE];
  return h(
    'fieldset',
    { class: 'field' },
    h('legend', {}, label),
    h(
      'div',
      { class: 'colours' },
      ...choices.map(([colour, text]) => {
        const choice = h('input', {
          type: 'radio',
          name,
          value: colour,
          'aria-label': text,
          title: text,
          checked: colour === value,
        });
        choice.style.setProperty('--person', colour);
        return choice;
      }),
    ),
  );
}

export async function newWorkspaceDialog() {
  const made = await formDialog({
    title: 'New workspace',
    intro: 'A place for documents and the people who work on them.',
    fields: [
      { name: 'name', label: 'Name', required: true, maxlength: 100, autocomplete: 'off', autofocus: true },
      { name: 'description', label: 'Description (optional)', maxlength: 1000, autocomplete: 'off' },
      colourField({ value: PALETTE[0][0] }),
    ],
    verb: 'Create workspace',
    act: ({ name, description, color }) =>
      api.createWorkspace({ name, color, ...(description ? { description } : {}) }),
  });
  if (!made) return;
  memory.set('workspace', made.id);
  location.assign(workspacePage(made));
}

/**
 * Puts the switcher into the header.
 * @param {HTMLElement} bar
 * @param {Workspace} current
 * @param {Workspace[]} workspaces all of the current user, with the open one
 */
export function bindSwitcher(bar, current, workspaces) {
  const button = h(
    'button',
    { class: 'switcher', type: 'button', id: 'switcher', 'aria-label': `Workspace: ${current.name}` },
    showPicture(swatch(current.color), current.icon),
    h('span', { class: 'switcher-name' }, current.name),
    icon('down'),
  );
  const manages =
    current.permissions?.includes('can_manage_workspace') || current.permissions?.includes('can_invite_members');
  bindMenu(button, () => [
    { heading: 'Workspaces' },
    ...workspaces.map((each) => ({
      label: each.name,
      mark: showPicture(swatch(each.color), each.id === current.id ? current.icon : each.icon),
      checked: each.id === current.id,
      note: each.archived_at ? 'archived' : '',
      act: () => {
        memory.set('workspace', each.id);
        location.assign(workspacePage(each));
      },
    })),
    'line',
    current.kind !== 'playground' && {
      label: manages ? 'Members and settings' : 'Members',
      icon: manages ? 'gear' : 'people',
      href: `${workspacePage(current)}/settings`,
    },
    { label: 'New workspace…', icon: 'plus', act: newWorkspaceDialog },
  ]);
  document.getElementById('switcher')?.remove();
  bar.querySelector('.brand')?.after(button);
}
