/** Menus that open under a button: arrow keys, letters, Escape; closed by anything that happens elsewhere. */
import { h } from './dom.js';
import { icon } from './icons.js';

const GAP = 6;
let opened = null;

/**
 * @typedef {{label: string, icon?: string, note?: string, act?: () => void, href?: string, danger?: boolean,
 *   checked?: boolean} | 'line' | {heading: string}} Item
 */

function entry(item, close) {
  if (item === 'line') return h('hr', { role: 'separator' });
  if (item.heading) return h('p', { class: 'menu-heading', role: 'presentation' }, item.heading);
  const content = [
    item.checked !== undefined ? (item.checked ? icon('check') : h('span', { class: 'menu-gap' })) : item.icon && icon(item.icon),
    h('span', { class: 'menu-label' }, item.label),
    item.note && h('span', { class: 'menu-note' }, item.note),
  ];
  const role = item.checked === undefined ? 'menuitem' : 'menuitemradio';
  const attributes = {
    class: item.danger ? 'menu-item danger' : 'menu-item', role, tabindex: '-1', 'aria-checked': item.checked === undefined ? null : String(item.checked),
  };
  if (item.href) return h('a', { ...attributes, href: item.href }, ...content);
  return h('button', {
    ...attributes,
    type: 'button',
    onclick: () => {
      close(true);
      item.act();
    },
  }, ...content);
}

function place(menu, button) {
  const at = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const left = at.left + width + 8 > innerWidth ? at.right - width : at.left;
  const below = at.bottom + GAP + height < innerHeight || at.top < height + GAP;
  menu.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  menu.style.top = `${below ? at.bottom + GAP : at.top - GAP - height}px`;
  menu.style.maxHeight = `${below ? innerHeight - at.bottom - GAP - 8 : at.top - GAP - 8}px`;
}

function open(button, items) {
  const close = (refocus) => {
    if (opened?.menu !== menu) return;
    opened = null;
    menu.remove();
    button.setAttribute('aria-expanded', 'false');
    if (refocus) button.focus();
  };
  const menu = h('div', { class: 'menu', role: 'menu', 'aria-label': button.getAttribute('aria-label') ?? button.textContent.trim() },
    ...items.map((item) => entry(item, close)));
  (button.closest('dialog') ?? document.body).append(menu);
  opened = { menu, button, close };
  button.setAttribute('aria-expanded', 'true');
  place(menu, button);
  const choices = [...menu.querySelectorAll('[role^="menuitem"]')];
  (choices.find((choice) => choice.getAttribute('aria-checked') === 'true') ?? choices[0])?.focus();
  menu.addEventListener('keydown', (event) => {
    const at = choices.indexOf(document.activeElement);
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: choices.length - 1 };
    if (event.key in steps) choices.at(steps[event.key] % choices.length).focus();
    else if (event.key === 'Escape') close(true);
    else if (event.key === 'Tab') {
      close(true);
      return;
    } else if (event.key.length === 1 && /\p{L}/u.test(event.key) && !event.ctrlKey && !event.metaKey) {
      const letter = event.key.toLowerCase();
      [...choices.slice(at + 1), ...choices].find((choice) => choice.textContent.trim().toLowerCase().startsWith(letter))?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
}

addEventListener('pointerdown', ({ target }) => {
  if (opened && !opened.menu.contains(target) && !opened.button.contains(target)) opened.close(false);
}, true);
addEventListener('resize', () => opened?.close(false));
addEventListener('scroll', ({ target }) => {
  if (!opened || opened.menu.contains(target)) return;
  const { top, bottom } = opened.button.getBoundingClientRect();
  if (opened.button.isConnected && bottom > 0 && top < innerHeight) place(opened.menu, opened.button);
  else opened.close(false);
}, true);

/** Makes `button` open a menu of what `items()` returns at that moment. */
export function bindMenu(button, items) {
  button.setAttribute('aria-haspopup', 'menu');
  button.setAttribute('aria-expanded', 'false');
  const show = () => {
    if (opened?.button === button) {
      opened.close(true);
      return;
    }
    opened?.close(false);
    open(button, items());
  };
  button.addEventListener('click', show);
  button.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' || opened) return;
    event.preventDefault();
    show();
  });
}

/** @returns {HTMLButtonElement} a button with three dots that opens a menu */
export function moreButton(label, items) {
  const button = h('button', { class: 'icon-button', type: 'button', 'aria-label': label, title: label }, icon('more'));
  bindMenu(button, items);
  return button;
}
