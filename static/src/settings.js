/** The building blocks of the settings pages. */
import { $, h, setText } from './dom.js';
import { alertLine, bindForm, field } from './form.js';
import { SITE } from './shell.js';

let count = 0;

/** @returns {HTMLElement} a titled part of a settings page */
export function section(title, intro, ...content) {
  const id = `section-${count += 1}`;
  return h('section', { class: 'section', 'aria-labelledby': id }, h('h2', { id }, title), intro && h('p', { class: 'intro' }, intro), ...content.filter(Boolean));
}

/** @returns {HTMLFormElement} a form that says "Saved" and stays */
export function settingsForm(fields, act, verb = 'Save') {
  const said = h('span', { class: 'said', role: 'status' });
  const form = h('form', { class: 'form' },
    ...fields.filter(Boolean).map((each) => (each instanceof Node ? each : field(each))), alertLine(),
    h('div', { class: 'actions start' }, h('button', { class: 'button primary', type: 'submit' }, verb), said));
  bindForm(form, async (values) => {
    setText(said, '');
    setText(said, (await act(values, form)) ?? 'Saved');
  });
  form.addEventListener('input', () => setText(said, ''));
  return form;
}

/** @returns {HTMLElement} a button with a line that explains it */
export const deed = (title, text, verb, act, danger = false) => h('div', { class: 'deed' },
  h('div', {}, h('b', {}, title), h('p', {}, ...[text].flat())),
  h('button', { class: danger ? 'button danger' : 'button', type: 'button', onclick: act }, verb));

/**
 * A list that loads page by page.
 * @param {{load: (cursor: string | null) => Promise<{items: object[], next_cursor: string | null}>,
 *   row: (item: object, again: () => Promise<void>) => HTMLElement, empty: string, label: string}} options
 * @returns {{element: HTMLElement, reload: () => Promise<void>}}
 */
export function pagedList({ load, row, empty, label }) {
  const list = h('ul', { class: 'lines', 'aria-label': label });
  const nothing = h('p', { class: 'nothing', hidden: true }, empty);
  const failed = h('p', { class: 'form-alert', role: 'alert', hidden: true });
  const more = h('button', { class: 'button small', type: 'button', hidden: true }, 'Load more');
  let cursor = null;
  let asked = 0;
  const fetchPage = async (after) => {
    const number = asked += 1;
    try {
      const page = await load(after);
      if (number !== asked) return;
      cursor = page.next_cursor ?? null;
      const rows = page.items.map((item) => row(item, () => fetchPage(null)));
      if (after) list.append(...rows);
      else list.replaceChildren(...rows);
      if (after) rows[0]?.querySelector('a, button, select, input')?.focus();
      failed.hidden = true;
    } catch (error) {
      if (number !== asked) return;
      failed.textContent = error.message;
      failed.hidden = false;
    }
    more.hidden = !cursor;
    list.hidden = list.children.length === 0;
    nothing.hidden = list.children.length > 0 || !failed.hidden;
  };
  more.addEventListener('click', () => fetchPage(cursor));
  return { element: h('div', {}, list, nothing, failed, more), reload: () => fetchPage(null) };
}

/** Shows the parts of a settings page, with links to them at the side. */
export function showSections(title, sections) {
  setText($('heading'), title);
  document.title = `${title} · ${SITE}`;
  const shown = sections.filter(Boolean);
  const links = h('nav', { class: 'contents', 'aria-label': 'On this page' }, ...shown.map((each) => {
    const heading = each.querySelector('h2');
    return h('a', { href: `#${heading.id}` }, heading.textContent);
  }));
  $('settings').replaceChildren(links, h('div', { class: 'sections' }, ...shown));
  document.body.dataset.state = 'ready';
}
