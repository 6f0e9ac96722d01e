/** The part of the account page about the editors. */
import * as api from '../lib/api.js';
import { keepFormat, keepSettings, withUsual } from '../lib/editor-settings.js';
import { FORMATS } from './file-dialogs.js';
import { section, settingsForm } from './settings.js';

/** @import { Preferences } from '../lib/account-types.js' */

/** @type {['wordWrap' | 'lineNumbers' | 'syntaxHighlighting' | 'autoComplete', string, string?][]} */
const SWITCHES = [
  ['wordWrap', 'Wrap long lines'],
  ['lineNumbers', 'Line numbers'],
  ['syntaxHighlighting', 'Format headings, bold text and code'],
  ['autoComplete', 'Offer words while I type', 'Documents behind [[, languages behind ```.'],
];
/** @type {[string, string][]} */
const KEYS = [
  ['default', 'Usual'],
  ['emacs', 'Emacs'],
  ['vim', 'Vim'],
];

/** @param {Preferences} preferences */
export function editorSection(preferences) {
  const known = withUsual(preferences.editor ?? {});
  const options = (/** @type {number[]} */ numbers) =>
    numbers.map((each) => /** @type {[string, string]} */ ([String(each), String(each)]));
  return section(
    'Editor',
    'Font size and the format of downloads count for all documents, the rest for Markdown.',
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
        {
          name: 'keys',
          label: 'Keys',
          type: 'select',
          value: known.vimMode ? 'vim' : known.keyBindings,
          options: KEYS,
        },
        {
          name: 'format',
          label: 'Download documents as',
          type: 'select',
          value: preferences.render?.defaultFormat ?? 'md',
          options: FORMATS.map(([format, label]) => /** @type {[string, string]} */ ([format, label])),
        },
        ...SWITCHES.map(([name, label, hint]) => ({ name, label, hint, type: 'checkbox', value: known[name] })),
      ],
      async (values) => {
        const chosen = withUsual({
          ...Object.fromEntries(SWITCHES.map(([name]) => [name, Boolean(values[name])])),
          fontSize: Number(values.fontSize),
          tabSize: Number(values.tabSize),
          vimMode: values.keys === 'vim',
          keyBindings: values.keys === 'emacs' ? 'emacs' : 'default',
        });
        const render = { defaultFormat: String(values.format) };
        await api.changePreferences({ editor: chosen, render });
        Object.assign(preferences, { editor: chosen, render });
        keepSettings(chosen);
        keepFormat(render.defaultFormat);
      },
    ),
  );
}
