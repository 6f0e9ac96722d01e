/** The part of the account page about the editors. */
import * as api from '../lib/api.js';
import { keepSettings, withUsual } from '../lib/editor-settings.js';
import { section, settingsForm } from './settings.js';

/** @import { Preferences } from '../lib/account-types.js' */

/** @type {['wordWrap' | 'lineNumbers' | 'syntaxHighlighting' | 'vimMode', string][]} */
const SWITCHES = [
  ['wordWrap', 'Wrap long lines'],
  ['lineNumbers', 'Line numbers'],
  ['syntaxHighlighting', 'Format headings, bold text and code'],
  ['vimMode', 'Keys of Vim'],
];

/** @param {Preferences} preferences */
export function editorSection(preferences) {
  const known = withUsual(preferences.editor ?? {});
  const options = (/** @type {number[]} */ numbers) =>
    numbers.map((each) => /** @type {[string, string]} */ ([String(each), String(each)]));
  return section(
    'Editor',
    'Font size counts for all documents, the rest for Markdown.',
    settingsForm(
      [
        {
          name: 'fontSize',
          label: 'Font size',
          type: 'select',
          value: String(known.fontSize),
          options: options([...new Set([14, 15, 16, 17, 18, 20, 22, 24, known.fontSize])].sort((a, b) => a - b)),
        },
        {
          name: 'tabSize',
          label: 'Width of a tab',
          type: 'select',
          value: String(known.tabSize),
          options: options([...new Set([2, 4, 8, known.tabSize])].sort((a, b) => a - b)),
        },
        ...SWITCHES.map(([name, label]) => ({ name, label, type: 'checkbox', value: known[name] })),
      ],
      async (values) => {
        const chosen = withUsual({
          ...Object.fromEntries(SWITCHES.map(([name]) => [name, Boolean(values[name])])),
          fontSize: Number(values.fontSize),
          tabSize: Number(values.tabSize),
        });
        // What other clients keep there stays.
        preferences.editor = { ...preferences.editor, ...chosen };
        await api.changePreferences({ editor: preferences.editor });
        keepSettings(chosen);
      },
    ),
  );
}
