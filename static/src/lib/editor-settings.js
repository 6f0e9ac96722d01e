/** How the editors look and behave for one person: settings of the account, kept in this browser, too. */
import * as api from './api.js';
import { keepMode } from './editor-mode.js';
import { memory } from './identity.js';

/**
 * `fontSize`: pixels. `tabSize`: spaces.
 * @typedef {{ fontSize: number, tabSize: number, wordWrap: boolean, lineNumbers: boolean, syntaxHighlighting: boolean,
 *   autoComplete: boolean, vimMode: boolean, keyBindings: 'default' | 'emacs' }} EditorSettings
 */

const KEY = 'editor-settings';
const FORMAT = 'download-format';

/** @type {EditorSettings} */
export const USUAL = {
  fontSize: 17,
  tabSize: 4,
  wordWrap: true,
  lineNumbers: false,
  syntaxHighlighting: true,
  autoComplete: true,
  vimMode: false,
  keyBindings: 'default',
};

/**
 * Known settings of the right type, and the usual ones for the others.
 * @param {Record<string, unknown>} given
 * @returns {EditorSettings}
 */
export const withUsual = (given) =>
  /** @type {any} */ (
    Object.fromEntries(
      Object.entries(USUAL).map(([name, usual]) => [name, typeof given[name] === typeof usual ? given[name] : usual]),
    )
  );

/** The settings that this browser knows of the reader. */
export function keptSettings() {
  try {
    return withUsual(JSON.parse(memory.get(KEY) ?? '{}'));
  } catch {
    return USUAL;
  }
}

/** @param {EditorSettings} settings */
export const keepSettings = (settings) => memory.set(KEY, JSON.stringify(settings));

/** The format that the reader downloads documents in, as far as this browser knows. */
export const keptFormat = () => memory.get(FORMAT) ?? 'md';

/** @param {string} format */
export const keepFormat = (format) => memory.set(FORMAT, format);

/** Reads the settings of whoever is signed in, and keeps them. */
export async function readSettings() {
  const { editor, editor_mode: mode, render } = await api.preferences();
  const settings = withUsual(editor ?? {});
  keepSettings(settings);
  keepMode(mode);
  keepFormat(render?.defaultFormat ?? 'md');
  return settings;
}
