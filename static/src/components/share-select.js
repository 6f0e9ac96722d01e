/** A choice of what somebody may do, and the fields for the end of a share. */
import { h } from 'preact';
import { h as element } from '../lib/dom.js';
import { ENDS, dateOf } from '../lib/share-words.js';
import { field } from './form.js';

/** @import { Permission } from '../lib/share-types.js' */

/**
 * @param {{ label: string, value: Permission, options: [Permission, string][], change: (chosen: Permission) => void }} props
 */
export const PermissionSelect = ({ label, value, options, change }) =>
  h(
    'select',
    {
      name: 'permission',
      'aria-label': label,
      value,
      onChange: (/** @type {Event} */ { currentTarget }) =>
        change(/** @type {Permission} */ (/** @type {HTMLSelectElement} */ (currentTarget).value)),
    },
    options.map(([name, text]) => h('option', { key: name, value: name, selected: name === value }, text)),
  );

/**
 * Makes the fields `ends` and `date` of a form; see endOf.
 * @param {string | null} end the present one
 */
export function endFields(end) {
  const choice = field({
    name: 'ends',
    label: 'Access ends',
    type: 'select',
    value: end ? 'date' : '',
    options: ENDS,
  });
  const day = field({
    name: 'date',
    label: 'Last day',
    type: 'date',
    value: end ? dateOf(end) : '',
    min: dateOf(Date.now()),
  });
  const select = choice.querySelector('select');
  const show = () => {
    const isDay = select?.value === 'date';
    day.hidden = !isDay;
    day.querySelector('input')?.toggleAttribute('required', isDay);
  };
  select?.addEventListener('change', show);
  show();
  return element('div', { class: 'field-row' }, choice, day);
}
