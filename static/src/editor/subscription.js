/** What the current user wants to hear of the open document, as entries of its menu. */
import { toast, tryTo } from '../components/toast.js';
import * as api from '../lib/comments-api.js';

/** @import { Items } from '../components/menu.js' */

/** @type {[string, string][]} */
const LEVELS = [
  ['follow', 'All comments and changes'],
  ['participating', 'Threads with you'],
  ['muted', 'Nothing but mentions'],
];

export class Subscription {
  /** @param {string} document */
  constructor(document) {
    this.document = document;
    this.level = 'participating';
  }

  async load() {
    // Who has lost the document is told by the page already.
    const found = await api.subscription(this.document).catch(() => null);
    this.level = found?.effective ?? 'participating';
  }

  /** @returns {Items} */
  items() {
    return [
      'line',
      { heading: 'Notify me of' },
      ...LEVELS.map(([level, label]) => ({ label, checked: this.level === level, act: () => this.choose(level) })),
      'line',
    ];
  }

  /** @param {string} level */
  async choose(level) {
    const changed = await tryTo(() => api.subscribe(this.document, level));
    if (!changed) return;
    this.level = changed.effective ?? level;
    toast(level === 'follow' ? 'You follow this document' : level === 'muted' ? 'Muted' : 'You hear of your threads');
  }
}
