/** Modal dialogs on <dialog>: the browser keeps the focus inside and gives it back. */
import { h } from './dom.js';
import { alertLine, bindForm, field } from './form.js';
import { icon } from './icons.js';

let count = 0;

/**
 * Opens a dialog. It closes by its button, Escape, or a click beside it.
 * @param {{title: string, content: Node[], wide?: boolean}} options
 * @returns {{element: HTMLDialogElement, close: (value?: any) => void, closed: Promise<any>}} closed: what close() was
 *   given, null when it was dismissed
 */
export function openDialog({ title, content, wide = false }) {
  const id = `dialog-${count += 1}`;
  const element = h('dialog', { class: wide ? 'dialog wide' : 'dialog', 'aria-labelledby': id },
    h('header', { class: 'dialog-head' },
      h('h2', { id }, title),
      h('button', { class: 'icon-button', type: 'button', 'aria-label': 'Close', onclick: () => element.close() }, icon('close'))),
    h('div', { class: 'dialog-body' }, ...content));
  let result = null;
  const closed = new Promise((resolve) => {
    element.addEventListener('close', () => {
      element.remove();
      resolve(result);
    });
  });
  element.addEventListener('pointerdown', (event) => {
    if (event.target !== element) return;
    const { left, right, top, bottom } = element.getBoundingClientRect();
    if (event.clientX < left || event.clientX > right || event.clientY < top || event.clientY > bottom) element.close();
  });
  document.body.append(element);
  element.showModal();
  element.querySelector('[autofocus]')?.focus();
  return {
    element,
    closed,
    close(value = null) {
      result = value;
      element.close();
    },
  };
}

/**
 * A dialog with a form. `act(values)` may throw a RequestError, which is shown; the dialog closes when it returns.
 * @returns {Promise<any>} what `act` returned (true for nothing), null when dismissed
 */
export function formDialog({ title, intro, fields = [], verb, danger = false, act, wide }) {
  const form = h('form', { class: 'form', novalidate: false },
    intro && h('p', { class: 'dialog-intro' }, intro),
    ...fields.map((each) => (each instanceof Node ? each : field(each))),
    alertLine(),
    h('div', { class: 'actions' },
      h('button', { class: 'button', type: 'button', onclick: () => close() }, 'Cancel'),
      h('button', { class: danger ? 'button danger' : 'button primary', type: 'submit' }, verb)));
  bindForm(form, async (values) => close((await act(values)) ?? true));
  const { close, closed } = openDialog({ title, content: [form], wide });
  const first = form.querySelector('input, textarea, select');
  if (first) {
    first.focus();
    if (first.select && first.type === 'text') first.select();
  } else form.querySelector('.actions button').focus();
  return closed;
}

/** Asks before something that cannot be taken back. @returns {Promise<boolean>} whether it was done */
export async function confirmDialog({ title, text, verb, act, danger = true }) {
  return (await formDialog({ title, intro: text, verb, danger, act })) !== null;
}

/** Shows a secret or an address once, with a button that copies it. */
export function copyDialog({ title, text, value, label }) {
  const shown = h('input', { type: 'text', readonly: true, value, 'aria-label': label, class: 'mono', onfocus: () => shown.select() });
  const button = h('button', {
    class: 'button primary',
    type: 'button',
    onclick: async () => {
      button.textContent = (await copied(value)) ? 'Copied' : 'Could not copy';
    },
  }, 'Copy');
  const { closed } = openDialog({
    title,
    content: [h('p', { class: 'dialog-intro' }, text), h('div', { class: 'copy-row field' }, shown, button)],
  });
  shown.focus();
  return closed;
}

/** @returns {Promise<boolean>} whether the clipboard took the text */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
