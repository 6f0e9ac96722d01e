/** Small Preact components: icons, times, avatars, badges, tags, menu buttons. */
import { signal } from '@preact/signals';
import { h } from 'preact';
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks';
import { inkOn } from '../lib/identity.js';
import { initials } from '../lib/format.js';
import { showPicture } from '../lib/pictures.js';
import { timeText } from './clock.js';
import { PATHS } from './icons.js';
import { bindMenu } from './menu.js';

/** @import { IconName } from './icons.js' */
/** @import { Items } from './menu.js' */
/** @import { Tag } from '../lib/types.js' */

/** Milliseconds. Times such as "2 minutes ago" are written again this often. */
const TICK = 30000;
const tick = signal(0);

/** Keeps the times of a component current. */
export function useCurrentTimes() {
  useEffect(() => {
    const timer = setInterval(() => {
      tick.value += 1;
    }, TICK);
    return () => clearInterval(timer);
  }, []);
}

/** @param {{ name: IconName }} props */
export const Icon = ({ name }) =>
  h('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true', 'data-icon': name }, h('path', { d: PATHS[name] }));

/** @param {{ at: string, before?: string }} props `before`: text before the time */
export function Time({ at, before = '' }) {
  void tick.value;
  const { full, short } = timeText(at);
  return h('time', { dateTime: at, title: full }, before + short);
}

/**
 * Like `avatar` of lib/pictures.js.
 * @param {{ name: string, colour?: string, picture?: string | null }} props
 */
export function Avatar({ name, colour, picture }) {
  const element = useRef(/** @type {HTMLSpanElement | null} */ (null));
  useLayoutEffect(() => {
    if (element.current) showPicture(element.current, picture);
  }, [picture]);
  return h('span', {
    ref: element,
    class: 'avatar',
    'aria-hidden': 'true',
    'data-initials': initials(name),
    style: colour ? { '--person': colour, '--ink': inkOn(colour) } : undefined,
  });
}

/** @param {{ text: string }} props */
export const Badge = ({ text }) => h('span', { class: 'badge' }, text);

/** @param {{ tag: Tag }} props */
export const TagChip = ({ tag }) =>
  h(
    'span',
    { class: 'chip', style: /^#[0-9a-f]{6}$/i.test(tag.color ?? '') ? { '--chip': tag.color } : undefined },
    tag.name,
  );

/**
 * A button with three dots that opens a menu.
 * @param {{ label: string, items: () => Items }} props
 */
export function MenuButton({ label, items }) {
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const latest = useRef(items);
  latest.current = items;
  useLayoutEffect(() => {
    if (button.current) bindMenu(button.current, () => latest.current());
  }, []);
  return h(
    'button',
    { ref: button, class: 'icon-button', type: 'button', 'aria-label': label, title: label },
    h(Icon, { name: 'more' }),
  );
}

/** @param {{ label: string, checked: boolean, change: (checked: boolean) => void }} props */
export const Switch = ({ label, checked, change }) =>
  h(
    'label',
    { class: 'switch' },
    h('input', {
      type: 'checkbox',
      role: 'switch',
      checked,
      onChange: (/** @type {Event} */ { currentTarget }) =>
        change(/** @type {HTMLInputElement} */ (currentTarget).checked),
    }),
    label,
  );
