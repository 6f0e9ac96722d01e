/** A list in a section of a settings page. It shows the rows of a store. */
import { signal } from '@preact/signals';
import { h, render } from 'preact';
import { useRef } from 'preact/hooks';
import { h as element } from '../lib/dom.js';
import { messageOf } from '../lib/request.js';
import { useCurrentTimes } from './elements.js';
import { useKeptFocus } from './keep-focus.js';

/** @import { VNode } from 'preact' */
/** @import { PagedStore } from '../stores/paged-store.js' */

/**
 * Makes a list of all rows of a store. It shows the message of a failed request.
 * @template {object} T
 * @param {object} options
 * @param {PagedStore<T>} options.store
 * @param {string} options.label
 * @param {string} options.empty the text of a list without rows
 * @param {(item: T) => VNode<any>} options.renderRow makes an li with `key` and `data-id`
 * @returns {HTMLElement}
 */
export function lineList({ store, label, empty, renderRow }) {
  const problem = signal('');
  store.onError = (error) => {
    problem.value = messageOf(error);
  };
  store.items.subscribe(() => {
    problem.value = '';
  });
  const Lines = () => {
    const list = useRef(/** @type {HTMLUListElement | null} */ (null));
    useKeptFocus(list);
    useCurrentTimes();
    const items = store.items.value;
    const text = problem.value;
    return [
      h('ul', { class: 'lines', 'aria-label': label, hidden: items.length === 0, ref: list }, items.map(renderRow)),
      store.loaded.value && items.length === 0 && text === '' && h('p', { class: 'nothing' }, empty),
      h('p', { class: 'form-alert', role: 'alert', hidden: text === '' }, text),
    ];
  };
  const root = element('div');
  render(h(Lines, {}), root);
  return root;
}
