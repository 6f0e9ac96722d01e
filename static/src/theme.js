/** The theme: system, light, dark. */
import { memory } from './identity.js';

const ORDER = ['system', 'light', 'dark'];
export const THEMES = { system: 'System', light: 'Light', dark: 'Dark' };

const current = () => (ORDER.includes(memory.get('theme')) ? memory.get('theme') : 'system');

function show(button) {
  const theme = current();
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  if (!button) return;
  button.dataset.shows = theme;
  const text = `Theme: ${THEMES[theme]}`;
  button.setAttribute('aria-label', text);
  button.title = text;
}

export function chooseTheme(theme) {
  memory.set('theme', theme === 'system' ? null : theme);
  show(document.getElementById('theme'));
}

export function bindThemeButton(button) {
  show(button);
  button.addEventListener('click', () => chooseTheme(ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length]));
  addEventListener('storage', () => show(button));
}

/** @param {(theme: string) => void} chosen told of each choice made with the button */
export function onThemeChosen(button, chosen) {
  button.addEventListener('click', () => chosen(current()));
}
