/**
 * The contents of a document: its headings, at the side where there is room, else in a dialog. The one above the top of the
 * screen is the current one.
 */
import { debounced, h } from '../lib/dom.js';
import { memory } from '../lib/identity.js';
import { openDialog } from './dialog.js';
import { icon } from './icons.js';

/** Pixels that the list needs beside the text, and those of the page's header. */
const ROOM = 190;
const HEADER = 150;
/** Milliseconds after an edit. */
const AFTER = 300;
/** More headings are no help, and take long to draw. */
const MOST = 500;
const KEY = 'outline';

/**
 * A heading. `top`: where it is on the screen, in pixels. `go`: puts the caret there and shows it.
 * @typedef {{ level: number, text: string, top: () => number, go: () => void }} Heading
 */

/**
 * @param {{ sheet: HTMLElement, headings: () => Heading[] }} options `sheet`: the text, beside which the list is
 */
export function outline({ sheet, headings }) {
  /** @type {Heading[]} */
  let found = [];
  let isOn = memory.get(KEY) !== 'off';
  let drawn = '';
  const list = h('ol', {});
  const hide = h(
    'button',
    { class: 'icon-button small', type: 'button', 'aria-label': 'Hide contents', title: 'Hide contents' },
    icon('close'),
  );
  const element = h(
    'nav',
    { class: 'outline', 'aria-label': 'Contents', hidden: true },
    h('div', { class: 'outline-head' }, h('h2', {}, 'Contents'), hide),
    list,
  );
  document.body.append(element);

  const links = (/** @type {(() => void) | null} */ chosen) => {
    const least = Math.min(...found.map(({ level }) => level));
    return found.slice(0, MOST).map(({ text, level, go }) =>
      h(
        'li',
        {},
        h(
          'button',
          {
            type: 'button',
            class: `outline-item level-${Math.min(4, level - least + 1)}`,
            dir: 'auto',
            onclick: () => {
              chosen?.();
              go();
            },
          },
          text || 'Untitled section',
        ),
      ),
    );
  };
  const room = () => sheet.getBoundingClientRect().left;
  const mark = () => {
    if (element.hidden) return;
    let current = -1;
    for (let at = 0; at < Math.min(found.length, MOST) && found[at].top() < HEADER; at += 1) current = at;
    [...list.children].forEach((item, index) => {
      const link = item.firstElementChild;
      if (index === current) link?.setAttribute('aria-current', 'location');
      else link?.removeAttribute('aria-current');
    });
  };
  const place = () => {
    const left = room();
    element.hidden = !isOn || left < ROOM + 30 || found.length < 2;
    element.style.width = `${Math.round(Math.min(250, left - 30))}px`;
    mark();
  };
  const draw = () => {
    found = headings();
    const key = JSON.stringify(found.map(({ level, text }) => [level, text]));
    if (key !== drawn) list.replaceChildren(...links(null));
    drawn = key;
    place();
  };
  const turn = (/** @type {boolean} */ on) => {
    isOn = on;
    memory.set(KEY, on ? null : 'off');
    draw();
  };
  hide.addEventListener('click', () => turn(false));
  let waits = false;
  const scrolled = () => {
    if (waits || element.hidden) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      mark();
    });
  };
  let isGone = false;
  const drawSoon = debounced(AFTER, () => {
    if (!isGone) draw();
  });
  addEventListener('scroll', scrolled, { passive: true });
  addEventListener('resize', place);
  return {
    /** To be called when the text has changed. */
    change: drawSoon,
    draw,
    place,
    /** Shows the list, or hides it. */
    open() {
      draw();
      if (found.length > 1 && room() >= ROOM + 30) {
        turn(Boolean(element.hidden));
        return;
      }
      const empty = h('p', { class: 'dialog-intro' }, 'Headings of the text are listed here.');
      const { close } = openDialog({
        title: 'Contents',
        content: [found.length > 0 ? h('ol', { class: 'outline-list' }, ...links(() => close())) : empty],
      });
    },
    destroy() {
      isGone = true;
      removeEventListener('scroll', scrolled);
      removeEventListener('resize', place);
      element.remove();
    },
  };
}
