/** Modal dialogs on <dialog>. The browser keeps the focus inside and restores it. */
import { find, h } from '../lib/dom.js';
import { alertLine, bindForm, field } from './form.js';
import { icon } from './icons.js';

/** @import { Child } from '../lib/dom.js' */
/** @import { FieldOptions } from './form.js' */

let count = 0;

/**
 * Opens a dialog. Its button, Escape, or a click beside it close it.
 * @param {{ title: string, content: Child[], wide?: boolean }} options
 * @returns {{ element: HTMLDialogElement, close: (value?: any) => void, closed: Promise<any> }} closed: the value
 *   given to close(), null when the dialog was dismissed
 */
export function openDialog({ title, content, wide = false }) {
  const id = `dialog-${(count += 1)}`;
  /** @type {HTMLDialogElement} */
  const element = h(
    'dialog',
    { class: wide ? 'dialog wide' : 'dialog', 'aria-labelledby': id },
    h(
      'header',
      { class: 'dialog-head' },
      h('h2', { id }, title),
      h(
        'button',
        { class: 'icon-button', type: 'button', 'aria-label': 'Close', onclick: () => element.close() },
        icon('close'),
      ),
    ),
    h('div', { class: 'dialog-body' }, ...content),
  );
  /** @type {any} */
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
  find(element, '[autofocus]')?.focus();
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
 * Opens a dialog with a form. It shows a RequestError of `act(values)`, and closes when `act` returns.
 * @param {object} options
 * @param {string} options.title
 * @param {string} [options.intro]
 * @param {(FieldOptions | Node)[]} [options.fields]
 * @param {string} options.verb the text of the submit button
 * @param {boolean} [options.danger]
 * @param {boolean} [options.wide]
 * @param {(values: Record<string, any>) => unknown} options.act
 * @returns {Promise<any>} what `act` returned (true for nothing), null when dismissed
 */
export function formDialog({ title, intro, fields = [], verb, danger = false, act, wide }) {
  const form = h(
    'form',
    { class: 'form', novalidate: false },
    intro && h('p', { class: 'dialog-intro' }, intro),
    ...fields.map((each) => (each instanceof Node ? each : field(each))),
    alertLine(),
    h(
      'div',
      { class: 'actions' },
      h('button', { class: 'button', type: 'button', onclick: () => close() }, 'Cancel'),
      h('button', { class: danger ? 'button danger' : 'button primary', type: 'submit' }, verb),
    ),
  );
  bindForm(form, async (values) => close((await act(values)) ?? true));
  const { close, closed } = openDialog({ title, content: [form], wide });
  const first = find(form, 'input, textarea, select');
  (first ?? find(form, '.actions button'))?.focus();
  if (first instanceof HTMLInputElement && first.type === 'text') first.select();
  return closed;
}

/**
 * Asks before something that cannot be undone.
 * @param {{ title: string, text: string, verb: string, act: () => unknown, danger?: boolean }} options
 * @returns {Promise<boolean>} whether it was done
 */
export async function confirmDialog({ title, text, verb, act, danger = true }) {
  return (await formDialog({ title, intro: text, verb, danger, act })) !== null;
}

/**
 * Shows a secret or an address once, with a button that copies it.
 * @param {{ title: string, text: string, value: string, label: string }} options
 */
export function copyDialog({ title, text, value, label }) {
  /** @type {HTMLInputElement} */
  const shown = h('input', {
    type: 'text',
    readonly: true,
    value,
    'aria-label': label,
    class: 'mono',
    onfocus: () => shown.select(),
  });
  /** @type {HTMLButtonElement} */
  const button = h(
    'button',
    {
      class: 'button primary',
      type: 'button',
      onclick: async () => {
        button.textContent = (await copied(value)) ? 'Copied' : 'Could not copy';
      },
    },
    'Copy',
  );
  const { closed } = openDialog({
    title,
    content: [h('p', { class: 'dialog-intro' }, text), h('div', { class: 'copy-row field' }, shown, button)],
  });
  shown.focus();
  return closed;
}

/**
 * Copies a text.
 * @param {string} text
 * @returns {Promise<boolean>} whether the clipboard accepted it
 */
export async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
