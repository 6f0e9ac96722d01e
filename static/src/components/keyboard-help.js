/** The help about keys: what the page offers now, with the keys that do it. */
import { commands, shownKey } from '../lib/commands.js';
import { h } from '../lib/dom.js';
import { openDialog } from './dialog.js';

/** @import { Command } from '../lib/commands.js' */

let isOpen = false;

/** @param {string} keys such as Ctrl+K */
const combination = (keys) =>
  h(
    'span',
    { class: 'keys' },
    ...shownKey(keys)
      .split(/\+(?=.)/)
      .map((key) => h('kbd', {}, key)),
  );

/** @param {Command} command */
const row = ({ label, keys = [] }) => [
  h('dt', {}, label.replace(/…$/, '')),
  h('dd', {}, ...keys.flatMap((each, index) => [index > 0 && h('span', {}, ' or '), combination(each)])),
];

/** Opens the help. */
export async function openHelp() {
  if (isOpen) return;
  const known = commands().filter(({ keys }) => keys?.length);
  const groups = [...new Set(known.map(({ group }) => group))].sort((one, other) =>
    one === 'Everywhere' ? -1 : other === 'Everywhere' ? 1 : 0,
  );
  isOpen = true;
  const { element, closed } = openDialog({
    title: 'Keyboard shortcuts',
    wide: true,
    content: [
      h(
        'div',
        { class: 'key-groups' },
        ...groups.map((group) =>
          h(
            'section',
            {},
            h('h3', {}, group),
            h('dl', { class: 'key-list' }, ...known.filter((each) => each.group === group).flatMap(row)),
          ),
        ),
      ),
    ],
  });
  element.classList.add('help');
  await closed;
  isOpen = false;
}
