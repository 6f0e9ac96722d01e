/** Menus that open under a button. Keys: arrows, letters, Escape. A click or a scroll elsewhere closes them. */
import { h } from '../lib/dom.js';
import { icon } from './icons.js';

const GAP = 6;
/** @type {{ menu: HTMLElement, button: HTMLElement, close: (refocus: boolean) => void, renew: () => void } | null} */
let opened = null;

/** @import { IconName } from './icons.js' */

/**
 * A choice calls `act` or leads to `href`; `checked` makes it one of several. `mark`: an element before the label.
 * @typedef {{ label: string, icon?: IconName, mark?: HTMLElement, note?: string, act?: () => void, href?: string, danger?: boolean,
 *   checked?: boolean }} Choice
 * @typedef {Choice | 'line' | { heading: string }} Item
 * @typedef {(Item | false | null | undefined)[]} Items false, null and undefined are left out
 */

/**
 * @param {Item} item
 * @param {(refocus: boolean) => void} close
 */
function entry(item, close) {
  if (item === 'line') return h('hr', { role: 'separator' });
  if ('heading' in item) return h('p', { class: 'menu-heading', role: 'presentation' }, item.heading);
  const content = [
    item.checked !== undefined
      ? item.checked
        ? icon('check')
        : h('span', { class: 'menu-gap' })
      : item.icon && icon(item.icon),
    item.mark,
    h('span', { class: 'menu-label' }, item.label),
    item.note && h('span', { class: 'menu-note' }, item.note),
  ];
  const role = item.checked === undefined ? 'menuitem' : 'menuitemradio';
  const attributes = {
    class: item.danger ? 'menu-item danger' : 'menu-item',
    role,
    tabindex: '-1',
    'aria-checked': item.checked === undefined ? null : String(item.checked),
  };
  if (item.href) return h('a', { ...attributes, href: item.href }, ...content);
  return h(
    'button',
    {
      ...attributes,
      type: 'button',
      onclick: () => {
        close(true);
        item.act?.();
      },
    },
    ...content,
  );
}

/**
 * @param {HTMLElement} menu
 * @param {HTMLElement} button
 */
function place(menu, button) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = at.left + width + 8 > innerWidth ? at.right - width : at.left;
  const below = at.bottom + GAP + height < innerHeight || at.top < height + GAP;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  menu.style.top = `${below ? at.bottom + GAP : at.top - GAP - height}px`;
  menu.style.maxHeight = `${below ? innerHeight - at.bottom - GAP - 8 : at.top - GAP - 8}px`;
}

/**
 * @param {HTMLElement} button
 * @param {() => Items} items
 */
function open(button, items) {
  /** @param {boolean} refocus */
  const close = (refocus) => {
    if (opened?.menu !== menu) return;
    opened = null;
    menu.remove();
    button.setAttribute('aria-expanded', 'false');
    if (refocus) button.focus();
  };
  const menu = h('div', {
    class: 'menu',
    role: 'menu',
    'aria-label': button.getAttribute('aria-label') ?? button.textContent.trim(),
  });
  /** @type {HTMLElement[]} */
  let choices = [];
  const draw = () => {
    menu.replaceChildren(...items().flatMap((item) => (item ? [entry(item, close)] : [])));
    choices = [...menu.querySelectorAll('[role^="menuitem"]')].filter((each) => each instanceof HTMLElement);
    place(menu, button);
  };
  const renew = () => {
    const held = choices.find((choice) => choice === document.activeElement)?.textContent;
    draw();
    if (held !== undefined) (choices.find((choice) => choice.textContent === held) ?? choices[0])?.focus();
  };
  (button.closest('dialog') ?? document.body).append(menu);
  opened = { menu, button, close, renew };
  button.setAttribute('aria-expanded', 'true');
  draw();
  (choices.find((choice) => choice.getAttribute('aria-checked') === 'true') ?? choices[0])?.focus();
  menu.addEventListener('keydown', (event) => {
    const at = choices.findIndex((choice) => choice === document.activeElement);
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: choices.length - 1 };
    if (event.key in steps) choices.at(steps[event.key] % choices.length)?.focus();
    else if (event.key === 'Escape') close(true);
    else if (event.key === 'Tab') {
      close(true);
      return;
    } else if (event.key.length === 1 && /\p{L}/u.test(event.key) && !event.ctrlKey && !event.metaKey) {
      const letter = event.key.toLowerCase();
      [...choices.slice(at + 1), ...choices]
        .find((choice) => choice.textContent.trim().toLowerCase().startsWith(letter))
        ?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

/** @type {(element: HTMLElement, target: EventTarget | null) => boolean} */
const contains = (element, target) => target instanceof Node && element.contains(target);

addEventListener(
  'pointerdown',
  ({ target }) => {
    if (opened && !contains(opened.menu, target) && !contains(opened.button, target)) opened.close(false);
  },
  true,
);
addEventListener('resize', () => opened?.close(false));
addEventListener(
  'scroll',
  ({ target }) => {
    if (!opened || contains(opened.menu, target)) return;
    const { top, bottom } = opened.button.getBoundingClientRect();
    if (opened.button.isConnected && bottom > 0 && top < innerHeight) place(opened.menu, opened.button);
    else opened.close(false);
  },
  true,
);

/** Draws the open menu again: `items()` returns others now. The focus stays on its entry. */
export const renewMenu = () => opened?.renew();

/**
 * Makes `button` open a menu of the items that `items()` returns then.
 * @param {HTMLElement} button
 * @param {() => Items} items
 */
export function bindMenu(button, items) {
  button.setAttribute('aria-haspopup', 'menu');
  button.setAttribute('aria-expanded', 'false');
  const show = () => {
    const before = opened;
    before?.close(before.button === button);
    if (before?.button !== button) open(button, items);
  };
  button.addEventListener('click', show);
  button.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' || opened) return;
    event.preventDefault();
    show();
  });
}

/**
 * Makes a button with three dots that opens a menu.
 * @param {string} label
 * @param {() => Items} items
 */
export function moreButton(label, items) {
  const button = h('button', { class: 'icon-button', type: 'button', 'aria-label': label, title: label }, icon('more'));
  bindMenu(button, items);
  return button;
}
