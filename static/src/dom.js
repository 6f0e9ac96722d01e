/** Small DOM vocabulary. */

export const $ = (id) => document.getElementById(id);

/** @returns {HTMLElement} `<tag ...attributes>children</tag>`; strings become text, null and false are left out */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith('on')) element.addEventListener(name.slice(2), value);
    else if (value === true) element.setAttribute(name, '');
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.flat(Infinity).filter((child) => child != null && child !== false && child !== ''));
  return element;
}

/** Writes `text` only where it differs, so that live regions and observers see no empty change. */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function debounced(delay, act) {
  let timer = 0;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(act, delay, ...args);
  };
}
