/** Forms: labelled fields, one alert for each form, a button that is disabled until the answer. */
import { find, h } from '../lib/dom.js';
import { RequestError } from '../lib/request.js';

let count = 0;

/**
 * `type`: of an input, or select, textarea, checkbox. `options`: values and texts of a select. All other properties become
 * attributes.
 * @typedef {{ name: string, label: string, type?: string, value?: string | boolean | null, hint?: string,
 *   options?: readonly (readonly [string, string])[], [attribute: string]: unknown }} FieldOptions
 */

/**
 * Makes a control with its label and hint.
 * @param {FieldOptions} options
 * @returns {HTMLElement}
 */
export function field({ name, label, type = 'text', value = '', hint, options = [], ...attributes }) {
  const id = `field-${name}-${(count += 1)}`;
  const hintId = hint ? `${id}-hint` : null;
  const common = { id, name, 'aria-describedby': hintId, ...attributes };
  const explained = hint ? h('p', { class: 'hint', id: hintId }, hint) : null;
  if (type === 'checkbox') {
    const box = h('input', { ...common, type, checked: Boolean(value) });
    return h('div', { class: 'field check' }, box, h('div', {}, h('label', { for: id }, label), explained));
  }
  let control;
  if (type === 'select') {
    control = h(
      'select',
      common,
      ...options.map(([key, text]) => h('option', { value: key, selected: key === value }, text)),
    );
  } else if (type === 'textarea') {
    control = h('textarea', { rows: 3, ...common });
    control.value = String(value ?? '');
  } else control = h('input', { type, value: value ?? '', ...common });
  return h('div', { class: 'field' }, h('label', { for: id }, label), control, explained);
}

/** @type {(element: Element) => element is HTMLInputElement | HTMLSelectElement | HTMLTextAreaElement} */
const isControl = (element) =>
  element instanceof HTMLInputElement || element instanceof HTMLSelectElement || element instanceof HTMLTextAreaElement;

/**
 * Reads the values of a form's controls. Texts are trimmed, except passwords.
 * @param {HTMLFormElement} form
 * @returns {Record<string, any>} a boolean for each checkbox, a string for all others
 */
export function valuesOf(form) {
  /** @type {Record<string, string | boolean>} */
  const values = {};
  for (const control of form.querySelectorAll('input, select, textarea')) {
    if (!isControl(control)) continue;
    if (!control.name || control.disabled) continue;
    if (control instanceof HTMLInputElement && control.type === 'checkbox') values[control.name] = control.checked;
    else if (control instanceof HTMLInputElement && control.type === 'radio') {
      if (control.checked) values[control.name] = control.value;
    } else values[control.name] = control.type === 'password' ? control.value : control.value.trim();
  }
  return values;
}

/** The line of a form for what went wrong. */
export const alertLine = () => h('p', { class: 'form-alert', role: 'alert', hidden: true });

/**
 * @param {HTMLElement} line
 * @param {string} text
 */
export function tell(line, text) {
  line.textContent = text;
  line.hidden = text === '';
}

/**
 * Submits through `act(values)`. The form's alert line shows the message of a RequestError.
 * @param {HTMLFormElement} form
 * @param {(values: Record<string, any>) => unknown} act
 */
export function bindForm(form, act) {
  const line = find(form, '.form-alert');
  const submit = find(form, '[type="submit"]', HTMLButtonElement);
  if (!line || !submit) throw new Error('the form has no alert line or no submit button');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.getAttribute('aria-busy') === 'true') return;
    form.setAttribute('aria-busy', 'true');
    submit.disabled = true;
    tell(line, '');
    try {
      await act(valuesOf(form));
    } catch (error) {
      if (!(error instanceof RequestError)) {
        tell(line, 'Something went wrong in this page. Reload it and try again.');
        throw error;
      }
      tell(line, error.message);
    } finally {
      form.removeAttribute('aria-busy');
      submit.disabled = false;
    }
    if (!line.hidden) (find(form, ':invalid') ?? find(form, 'input:not([type="hidden"]), textarea'))?.focus();
  });
}
