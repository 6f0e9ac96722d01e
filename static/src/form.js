/** Forms: labelled fields, one alert per form, a button that waits for the answer. */
import { h } from './dom.js';

let count = 0;

/**
 * @param {{name: string, label: string, type?: string, value?: string | boolean, hint?: string, options?: [string, string][]}
 *   & object} field `type`: of an input, or select, textarea, checkbox; anything else becomes an attribute
 * @returns {HTMLElement}
 */
export function field({ name, label, type = 'text', value = '', hint, options, ...attributes }) {
  const id = `field-${name}-${count += 1}`;
  const hintId = hint ? `${id}-hint` : null;
  const common = { id, name, 'aria-describedby': hintId, ...attributes };
  const explained = hint && h('p', { class: 'hint', id: hintId }, hint);
  if (type === 'checkbox') {
    const box = h('input', { ...common, type, checked: Boolean(value) });
    return h('div', { class: 'field check' }, box, h('div', {}, h('label', { for: id }, label), explained));
  }
  let control;
  if (type === 'select') {
    control = h('select', common, ...options.map(([key, text]) => h('option', { value: key, selected: key === value }, text)));
  } else if (type === 'textarea') {
    control = h('textarea', { rows: 3, ...common });
    control.value = value ?? '';
  } else control = h('input', { type, value: value ?? '', ...common });
  return h('div', { class: 'field' }, h('label', { for: id }, label), control, explained);
}

/** @returns {Record<string, string | boolean>} what the form says, texts trimmed except passwords */
export function valuesOf(form) {
  const values = {};
  for (const control of form.elements) {
    if (!control.name || control.disabled) continue;
    if (control.type === 'checkbox') values[control.name] = control.checked;
    else if (control.type === 'radio') {
      if (control.checked) values[control.name] = control.value;
    } else values[control.name] = control.type === 'password' ? control.value : control.value.trim();
  }
  return values;
}

/** @returns {HTMLElement} where a form says what went wrong */
export const alertLine = () => h('p', { class: 'form-alert', role: 'alert', hidden: true });

export function tell(line, text) {
  line.textContent = text;
  line.hidden = text === '';
}

/** Submits through `act(values)`; what it throws is told in the form's alert line. */
export function bindForm(form, act) {
  const line = form.querySelector('.form-alert');
  const submit = form.querySelector('[type="submit"]');
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (form.getAttribute('aria-busy') === 'true') return;
    form.setAttribute('aria-busy', 'true');
    submit.disabled = true;
    tell(line, '');
    try {
      await act(valuesOf(form));
    } catch (error) {
      if (!(error instanceof Error) || error.status === undefined) {
        tell(line, 'Something went wrong in this page. Reload it and try again.');
        throw error;
      }
      tell(line, error.message);
    } finally {
      form.removeAttribute('aria-busy');
      submit.disabled = false;
    }
    if (!line.hidden) (form.querySelector(':invalid') ?? form.querySelector('input:not([type="hidden"]), textarea'))?.focus();
  });
}
