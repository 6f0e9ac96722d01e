/** Makes and finds elements. */

/**
 * @typedef {Node | string | null | undefined | false} Child
 * @typedef {Child | readonly Child[] | readonly (Child | readonly Child[])[]} Children
 */

/**
 * @typedef {{[name: string]: unknown, onclick?: (event: MouseEvent) => void, onfocus?: (event: FocusEvent) => void,
 *   onchange?: (event: Event) => void, onsubmit?: (event: SubmitEvent) => void}} Attributes
 */

/**
 * Returns the element with an id. Throws when the page has none, or one of another kind.
 * @template {Element} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} [kind] such as HTMLInputElement
 * @returns {T}
 */
export function $(id, kind) {
  const element = document.getElementById(id);
  if (!(element instanceof (kind ?? HTMLElement))) throw new Error(`this page has no such element: ${id}`);
  return /** @type {T} */ (/** @type {Element} */ (element));
}

/**
 * The first element below `root` that matches a selector, as `querySelector` finds it.
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} [kind] such as HTMLInputElement
 * @returns {T | null}
 */
export function find(root, selector, kind) {
  const element = root.querySelector(selector);
  return element instanceof (kind ?? HTMLElement) ? /** @type {T} */ (/** @type {Element} */ (element)) : null;
}

/**
 * Makes an element. Strings become text; null, false and '' are left out. Attributes with a name of `on...` are listeners.
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {Attributes} [attributes]
 * @param {...Children} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === 'function') element.addEventListener(name.slice(2), /** @type {EventListener} */ (value));
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, String(value));
  }
  const flat = /** @type {Child[]} */ (children.flat(2));
  for (const child of flat) if (child != null && child !== false && child !== '') element.append(child);
  return element;
}

/**
 * Writes `text` only where it differs, so that live regions and observers see no empty change.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Returns a function that calls `act` once it has not been called itself for `delay` milliseconds.
 * @template {any[]} A
 * @param {number} delay
 * @param {(...args: A) => void} act
 * @returns {(...args: A) => void}
 */
export function debounced(delay, act) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => act(...args), delay);
  };
}
