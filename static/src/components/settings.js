/** The building blocks of the settings pages. */
import { $, find, h, setText } from '../lib/dom.js';
import { messageOf } from '../lib/request.js';
import { alertLine, bindForm, field } from './form.js';
import { SITE } from './page-header.js';

let count = 0;

/** @import { Child, Children } from '../lib/dom.js' */
/** @import { FieldOptions } from './form.js' */
/** @import { Page } from '../lib/types.js' */

/**
 * Makes a section of a settings page.
 * @param {string} title
 * @param {string | null} intro
 * @param {...Children} content
 * @returns {HTMLElement}
 */
export function section(title, intro, ...content) {
  const id = `section-${(count += 1)}`;
  return h(
    'section',
    { class: 'section', 'aria-labelledby': id },
    h('h2', { id }, title),
    intro && h('p', { class: 'intro' }, intro),
    ...content,
  );
}

/**
 * Makes a form that says "Saved" and stays. `act` may return another word.
 * @param {(FieldOptions | Node | false | null | undefined)[]} fields
 * @param {(values: Record<string, any>, form: HTMLFormElement) => unknown} act
 * @param {string} [verb] the text of the button
 */
export function settingsForm(fields, act, verb = 'Save') {
  const said = h('span', { class: 'said', role: 'status' });
  const form = h(
    'form',
    { class: 'form' },
    ...fields.map((each) => (each instanceof Node || !each ? each : field(each))),
    alertLine(),
    h('div', { class: 'actions start' }, h('button', { class: 'button primary', type: 'submit' }, verb), said),
  );
  bindForm(form, async (values) => {
    setText(said, '');
    setText(said, String((await act(values, form)) ?? 'Saved'));
  });
  form.addEventListener('input', () => setText(said, ''));
  return form;
}

/**
 * Makes a button with a line that explains it.
 * @param {string} title
 * @param {Child | Child[]} text
 * @param {string} verb the text of the button
 * @param {() => void} act
 * @param {boolean} [danger]
 */
export const actionRow = (title, text, verb, act, danger = false) =>
  h(
    'div',
    { class: 'action-row' },
    h('div', {}, h('b', {}, title), h('p', {}, ...[text].flat())),
    h('button', { class: danger ? 'button danger' : 'button', type: 'button', onclick: act }, verb),
  );

/**
 * Makes a list that loads page by page. `row` makes the element of an item; its second argument loads the list again.
 * @template T
 * @param {{ load: (cursor: string | null) => Promise<Page<T>>,
 *   row: (item: T, again: () => Promise<void>) => HTMLElement, empty: string, label: string }} options
 * @returns {{ element: HTMLElement, reload: () => Promise<void> }}
 */
export function pagedList({ load, row, empty, label }) {
  const list = h('ul', { class: 'lines', 'aria-label': label });
  const nothing = h('p', { class: 'nothing', hidden: true }, empty);
  const failed = h('p', { class: 'form-alert', role: 'alert', hidden: true });
  const more = h('button', { class: 'button small', type: 'button', hidden: true }, 'Load more');
  /** @type {string | null} */
  let cursor = null;
  let asked = 0;
  const fetchPage = async (/** @type {string | null} */ after) => {
    asked += 1;
    const number = asked;
    try {
      const page = await load(after);
      if (number !== asked) return;
      cursor = page.next_cursor ?? null;
      const rows = page.items.map((item) => row(item, () => fetchPage(null)));
      if (after) list.append(...rows);
      else list.replaceChildren(...rows);
      if (after && rows[0]) find(rows[0], 'a, button, select, input')?.focus();
      failed.hidden = true;
    } catch (error) {
      if (number !== asked) return;
      failed.textContent = messageOf(error);
      failed.hidden = false;
    }
    more.hidden = !cursor;
    list.hidden = list.children.length === 0;
    nothing.hidden = list.children.length > 0 || !failed.hidden;
  };
  more.addEventListener('click', () => fetchPage(cursor));
  return { element: h('div', {}, list, nothing, failed, more), reload: () => fetchPage(null) };
}

/**
 * Shows the sections of a settings page, with links to them at the side. The focus stays in its section when the page is shown
 * again.
 * @param {string} title
 * @param {(HTMLElement | false | null)[]} sections
 */
export function showSections(title, sections) {
  setText($('heading'), title);
  document.title = `${title} · ${SITE}`;
  const shown = sections.filter((each) => each instanceof HTMLElement);
  const links = h(
    'nav',
    { class: 'contents', 'aria-label': 'On this page' },
    ...shown.map((each) => {
      const heading = find(each, 'h2');
      return heading && h('a', { href: `#${heading.id}` }, heading.textContent);
    }),
  );
  const held = document.activeElement?.closest('.section')?.querySelector('h2')?.textContent;
  $('settings').replaceChildren(links, h('div', { class: 'sections' }, ...shown));
  document.body.dataset.state = 'ready';
  const same = held && shown.find((each) => find(each, 'h2')?.textContent === held);
  if (same) find(same, 'button, input, select')?.focus();
}
