/**
 * What can be done on this page now. The palette lists it, the help lists what has keys, and the keys call what the page
 * itself listens for. Parts of a page offer their commands; there is no other list.
 */
import { bring } from './bring.js';
import { h } from './dom.js';

/** @import { Items } from '../components/menu.js' */
/** @import { IconName } from '../components/icons.js' */

/**
 * `keys`: shortcuts as they are shown, such as 'Ctrl+K' and '?'. `isHeard`: the page calls `act` at these keys; otherwise
 * another part does. `isQuiet`: the help lists it, the palette does not.
 * @typedef {object} Command
 * @property {string} label
 * @property {string} group
 * @property {string[]} [keys]
 * @property {IconName} [icon]
 * @property {string} [note]
 * @property {string} [href]
 * @property {() => unknown} [act]
 * @property {boolean} [checked]
 * @property {boolean} [danger]
 * @property {boolean} [isHeard]
 * @property {boolean} [isQuiet]
 */

const isApple = /Mac|iPhone|iPad/.test(globalThis.navigator?.platform ?? '');
const SHORTCUT = /^(Ctrl|⌘|Alt|Shift)\+/;

/** @type {Set<() => Command[]>} */
const sources = new Set();

/**
 * Offers commands. `source` is asked whenever they are looked for, and returns those that are possible then.
 * @param {() => Command[]} source
 */
export function offer(source) {
  sources.add(source);
}

/** The commands that are possible now: one for each label of a group. */
export function commands() {
  /** @type {Map<string, Command>} */
  const found = new Map();
  for (const source of sources)
    for (const command of source()) {
      const name = `${command.group}\n${command.label}`;
      if (!found.has(name)) found.set(name, command);
    }
  return [...found.values()];
}

/**
 * The choices of a menu as commands.
 * @param {string} group
 * @param {Items} items
 * @returns {Command[]}
 */
export function commandsOf(group, items) {
  let heading = '';
  return items.flatMap((item) => {
    if (!item) return [];
    if (item === 'line') {
      heading = '';
      return [];
    }
    if ('heading' in item) {
      ({ heading } = item);
      return [];
    }
    const { label, note, icon, act, href, checked, danger } = item;
    const isKey = note !== undefined && SHORTCUT.test(note);
    return [
      {
        label: heading ? `${heading}: ${label}` : label,
        group,
        icon,
        act,
        href,
        checked,
        danger,
        ...(isKey ? { keys: [note] } : { note }),
      },
    ];
  });
}

/** Keys whose names are longer than their signs. @type {Record<string, string>} */
const SIGNS = { ArrowDown: '↓', ArrowUp: '↑', Escape: 'Esc', Delete: 'Del' };

/**
 * How a shortcut is shown on this computer.
 * @param {string} keys
 */
export function shownKey(keys) {
  const shown = keys
    .split(/\+(?=.)/)
    .map((key) => SIGNS[key] ?? (key.length === 1 ? key.toUpperCase() : key))
    .join('+');
  return isApple ? shown.replace('Ctrl+', '⌘') : shown;
}

/**
 * The keys of an event, as commands write them.
 * @param {KeyboardEvent} event
 */
export function keyOf({ key, code, ctrlKey, metaKey, altKey, shiftKey }) {
  // The Option key of Apple makes other characters.
  const plain = altKey && code === 'Slash' && !shiftKey ? '/' : key;
  const isLetter = plain.length > 1 || /\p{L}/u.test(plain);
  return [
    (isApple ? metaKey : ctrlKey) && 'Ctrl',
    altKey && 'Alt',
    shiftKey && (isLetter || ctrlKey || metaKey) && 'Shift',
    plain.length === 1 && (ctrlKey || metaKey || altKey) ? plain.toUpperCase() : plain,
  ]
    .filter(Boolean)
    .join('+');
}

const TYPING =
  'input:not([type="checkbox"]), textarea, select, [contenteditable]:not([contenteditable="false"]), dialog *, [role="menu"] *';

/** @param {KeyboardEvent} event */
function hear(event) {
  const { target, ctrlKey, metaKey, altKey, key } = event;
  const isPlain = !ctrlKey && !metaKey && !altKey && !/^F\d/.test(key);
  if (event.isComposing || !(target instanceof Element) || (isPlain && target.closest(TYPING))) return;
  const keys = keyOf(event);
  // In a text that takes links it makes one.
  if (keys === 'Ctrl+K' && target.closest('[data-takes-links]')) return;
  const command = commands().find((each) => each.isHeard && each.keys?.includes(keys));
  if (!command) return;
  event.preventDefault();
  event.stopPropagation();
  command.act?.();
}

/** @type {typeof import('../components/palette.js') | null} */
let palette = null;
let isComing = false;

/** Opens the palette. What is typed until it has been loaded goes into it. */
export async function openPalette() {
  if (palette) {
    palette.openPalette();
    return;
  }
  if (isComing) return;
  isComing = true;
  const typed = h('input', { class: 'visually-hidden', 'aria-label': 'Search documents and commands' });
  const from = document.activeElement;
  document.body.append(typed);
  typed.focus();
  palette = await bring(() => import('../components/palette.js'));
  if (from instanceof HTMLElement) from.focus();
  typed.remove();
  palette.openPalette(typed.value);
}
const openHelp = async () => (await bring(() => import('../components/keyboard-help.js'))).openHelp();

export const PALETTE_KEY = 'Ctrl+K';

/** Listens for keys. The palette and the help can be opened on this page from now on. */
export function listenForCommands() {
  offer(() => [
    {
      label: 'Search and commands',
      group: 'Everywhere',
      keys: [PALETTE_KEY, 'Alt+/'],
      act: openPalette,
      isHeard: true,
      isQuiet: true,
    },
    { label: 'Keyboard shortcuts', group: 'Everywhere', keys: ['?', 'F1'], icon: 'info', act: openHelp, isHeard: true },
  ]);
  document.addEventListener('keydown', hear, true);
}
