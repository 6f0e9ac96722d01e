/** The kinds of callouts, those of GFM's alerts. */

/** @import { IconName } from '../../../components/icons.js' */

/** @type {{ kind: string, label: string, icon: IconName, note: string }[]} */
export const CALLOUTS = [
  { kind: 'note', label: 'Note', icon: 'info', note: 'Worth knowing' },
  { kind: 'tip', label: 'Tip', icon: 'bulb', note: 'A better way' },
  { kind: 'important', label: 'Important', icon: 'flag', note: 'Not to be missed' },
  { kind: 'warning', label: 'Warning', icon: 'warning', note: 'Needs attention' },
  { kind: 'caution', label: 'Caution', icon: 'stop', note: 'May do harm' },
];
/** @type {Record<string, string>} what other editors call them, as in core/markdown/rules/callouts.py */
const OTHER_NAMES = {
  info: 'note',
  default: 'note',
  success: 'tip',
  warn: 'warning',
  danger: 'caution',
  error: 'caution',
};

/**
 * The callout that an attribute means.
 * @param {unknown} value
 */
export function calloutOf(value) {
  const name = typeof value === 'string' ? value.toLowerCase() : '';
  return CALLOUTS.find(({ kind }) => kind === (OTHER_NAMES[name] ?? name)) ?? CALLOUTS[0];
}
