/** The theme: system, light, dark. */
import { memory } from './identity.js';

/** @typedef {'system' | 'light' | 'dark'} Theme */

/** @type {Record<Theme, string>} Names of the themes, in the order of the button. */
export const THEMES = { system: 'System', light: 'Light', dark: 'Dark' };
const ORDER = /** @type {Theme[]} */ (Object.keys(THEMES));

/** The colours of the browser's own bars: those of the paper in tokens.css. */
const PAPER = { light: '#faf9f7', dark: '#17171a' };

const current = () => ORDER.find((theme) => theme === memory.get('theme')) ?? 'system';

/** @param {HTMLElement | null} button */
function show(button) {
  const theme = current();
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  for (const meta of document.querySelectorAll('meta[name="theme-color"]')) {
    const own = meta.getAttribute('media')?.includes('dark') ? 'dark' : 'light';
    meta.setAttribute('content', PAPER[theme === 'system' ? own : theme]);
  }
  if (!button) return;
  button.dataset.shows = theme;
  const text = `Theme: ${THEMES[theme]}`;
  button.setAttribute('aria-label', text);
  button.title = text;
}

/** @param {Theme} theme */
export function chooseTheme(theme) {
  memory.set('theme', theme === 'system' ? null : theme);
  show(document.getElementById('theme'));
}

/** @param {HTMLElement} button */
export function bindThemeButton(button) {
  show(button);
  button.addEventListener('click', () => chooseTheme(ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length]));
  addEventListener('storage', () => show(button));
}

/**
 * @param {HTMLElement} button
 * @param {(theme: Theme) => void} chosen called with each choice made with the button
 */
export function onThemeChosen(button, chosen) {
  button.addEventListener('click', () => chosen(current()));
}
