/** The card of the sign-in page and of the page of an invitation. */
import { $, find, h } from '../lib/dom.js';
import { alertLine, bindForm } from './form.js';
import { SITE } from './page-header.js';

/** @import { Child } from '../lib/dom.js' */

/**
 * Shows a card in the place of the last one. Its first empty field gets the focus, else its heading.
 * @param {string} title
 * @param {...(Child | Child[])} content
 */
export function showCard(title, ...content) {
  document.title = `${title} · ${SITE}`;
  $('card').replaceChildren(
    h('h1', { tabindex: '-1' }, title),
    ...content.flat().filter((each) => each instanceof Node || typeof each === 'string'),
  );
  document.body.dataset.state = 'ready';
  const first = [...$('card').querySelectorAll('input')].find((input) => input.value === '');
  (first ?? find($('card'), 'h1'))?.focus();
}

/**
 * Makes a form, and a line below it.
 * @param {string} verb the text of the button
 * @param {Child[]} fields
 * @param {(values: Record<string, any>) => Promise<void>} act
 * @param {Child[]} [below]
 * @returns {(HTMLElement | undefined)[]}
 */
export function cardForm(verb, fields, act, below) {
  const form = h(
    'form',
    { class: 'form' },
    ...fields,
    alertLine(),
    h('button', { class: 'button primary full', type: 'submit' }, verb),
  );
  bindForm(form, act);
  return [form, below && h('p', { class: 'below' }, ...below)];
}

/**
 * Makes a button that looks like a link.
 * @param {string} text
 * @param {() => void} act
 */
export const linkButton = (text, act) => h('button', { class: 'link', type: 'button', onclick: act }, text);

/**
 * Makes the button of a card that says what could not be loaded.
 * @param {() => void} again
 */
export const retryButton = (again) =>
  h('button', { class: 'button full', type: 'button', onclick: () => again() }, 'Try again');
