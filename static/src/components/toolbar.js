/** Toolbars over a text. Arrow keys go through the buttons, and Escape leads back into the text. */
import { commandsOf, offer } from '../lib/commands.js';
import { h } from '../lib/dom.js';
import { icon } from './icons.js';
import { bindMenu } from './menu.js';

/** @import { IconName } from './icons.js' */
/** @import { Items } from './menu.js' */

/**
 * What a button does. `isOn`: whether the selection is like that already. `key`: the shortcut, as it is shown.
 * @typedef {{ label: string, icon: IconName, act: () => unknown, isOn?: () => boolean, key?: string }} Tool
 */

/** What buttons do, for the palette. @type {WeakMap<HTMLElement, () => Items>} */
const choices = new WeakMap();

/**
 * @param {Tool} tool
 * @returns {{ button: HTMLButtonElement, show: () => void }} `show`: to be called when the selection has changed
 */
export function toolButton({ label, icon: name, act, isOn, key }) {
  const button = h(
    'button',
    {
      class: 'tool',
      type: 'button',
      tabindex: '-1',
      'aria-label': label,
      title: key ? `${label} (${key})` : label,
      'aria-pressed': isOn ? 'false' : null,
      onclick: () => act(),
    },
    icon(name),
  );
  choices.set(button, () => [{ label, icon: name, act, note: key, checked: isOn && isOn() }]);
  // A press would take the focus from the text, and on a phone the keyboard away.
  button.addEventListener('pointerdown', (event) => event.preventDefault());
  const show = () => {
    if (isOn) button.setAttribute('aria-pressed', String(isOn()));
  };
  return { button, show };
}

/**
 * @param {Node[]} content
 * @param {string} label
 * @param {() => Items} items
 */
export function toolMenu(content, label, items) {
  const button = h('button', { class: 'tool with-menu', type: 'button', tabindex: '-1', title: label }, ...content);
  if (!button.textContent) button.setAttribute('aria-label', label);
  button.append(icon('down'));
  bindMenu(button, items);
  choices.set(button, items);
  return button;
}

/**
 * @param {string} label
 * @param {(Node | null)[]} tools
 */
export const toolGroup = (label, ...tools) =>
  h('div', { class: 'tool-group', role: 'group', 'aria-label': label }, ...tools);

/**
 * @param {Node[]} groups
 * @param {{ leave: () => void, show: () => void }} options `leave`: puts the focus into the text; `show`: draws the tools
 * @returns {{ element: HTMLElement, show: () => void, focus: () => void }}
 */
export function makeToolbar(groups, { leave, show: draw }) {
  const element = h(
    'div',
    { class: 'toolbar', role: 'toolbar', 'aria-label': 'Formatting', 'aria-orientation': 'horizontal' },
    ...groups,
  );
  const tools = () =>
    /** @type {HTMLElement[]} */ ([...element.querySelectorAll('.tool')]).filter((each) => !each.closest('[hidden]'));
  let current = 0;
  const show = () => {
    draw();
    const shown = tools();
    current = Math.max(0, Math.min(current, shown.length - 1));
    shown.forEach((each, index) => {
      each.tabIndex = index === current ? 0 : -1;
    });
  };
  element.addEventListener('focusin', ({ target }) => {
    const at = tools().indexOf(/** @type {HTMLElement} */ (target));
    if (at >= 0) current = at;
    show();
  });
  element.addEventListener('keydown', (event) => {
    const shown = tools();
    const step = getComputedStyle(element).direction === 'rtl' ? -1 : 1;
    /** @type {Record<string, number>} */
    const to = { ArrowRight: current + step, ArrowLeft: current - step, Home: 0, End: shown.length - 1 };
    if (event.key in to) shown.at(to[event.key] % shown.length)?.focus();
    else if (event.key === 'Escape') leave();
    else return;
    event.preventDefault();
  });
  const focus = () => tools()[current]?.focus();
  show();
  offer(() =>
    element.isConnected && element.checkVisibility()
      ? [
          { label: 'To the toolbar', group: 'Formatting', keys: ['Alt+F10'], act: focus, isQuiet: true },
          ...tools().flatMap((each) => commandsOf('Formatting', choices.get(each)?.() ?? [])),
        ]
      : [],
  );
  return { element, show, focus };
}
