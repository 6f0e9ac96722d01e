/** The theme button: system, light, dark. */
import { memory } from './identity.js';

const ORDER = ['system', 'light', 'dark'];
const NAMES = { system: 'System', light: 'Light', dark: 'Dark' };

export function bindThemeButton(button) {
  const show = (theme) => {
    if (theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme;
    button.dataset.shows = theme;
    const text = `Theme: ${NAMES[theme]}`;
    button.setAttribute('aria-label', text);
    button.title = text;
  };
  const current = () => (ORDER.includes(memory.get('theme')) ? memory.get('theme') : 'system');
  show(current());
  button.addEventListener('click', () => {
    const next = ORDER[(ORDER.indexOf(current()) + 1) % ORDER.length];
    memory.set('theme', next === 'system' ? null : next);
    show(next);
  });
  addEventListener('storage', () => show(current()));
}
