/** The notice of the editor page: what is wrong with the connection or the document, and what can be done. */
import { copyText } from '../components/copy-text.js';
import { signInPage } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { $, h, setText } from '../lib/dom.js';
import { mayRetry, readable, signInHelps } from './status-words.js';

/** @import { Session } from './session.js' */
/** @import { View } from './status.js' */
/** @import { Words } from './status-words.js' */

const NOTICED = new Set(['offline', 'busy', 'refused', 'delayed', 'ended']);
const NOT_UNDERSTOOD = 4400;
const REPLACED = 4409;

/**
 * @param {string} text
 * @param {() => void} act
 */
const button = (text, act) => h('button', { class: 'button', type: 'button', onclick: act }, text);

export class Notice {
  /**
   * @param {Session} session
   * @param {{ tryAgain: () => void, focusText: () => void }} on
   */
  constructor(session, { tryAgain, focusText }) {
    this.session = session;
    this.tryAgain = tryAgain;
    /** The kind of view whose notice the reader has closed; '' for none. */
    this.dismissed = '';
    $('notice-close').addEventListener('click', () => {
      this.dismissed = session.shown.kind;
      $('notice').hidden = true;
      focusText();
    });
  }

  /**
   * Shows the notice where the view needs one, and hides it where not.
   * @param {View} shown
   * @param {Words} words
   */
  show(shown, { label, detail }) {
    const notice = $('notice');
    const wanted = NOTICED.has(shown.kind) || (shown.kind === 'viewonly' && shown.unsaved);
    const key = wanted ? `${shown.kind} ${shown.code} ${detail}` : '';
    if (!wanted) this.dismissed = '';
    notice.hidden = !wanted || this.dismissed === shown.kind;
    if (!wanted || notice.dataset.key === key) return;
    notice.dataset.key = key;
    notice.dataset.kind = shown.kind;
    setText($('notice-title'), label);
    setText($('notice-text'), detail);
    $('notice-actions').replaceChildren(...this.actions(shown));
    $('notice-close').hidden = shown.kind === 'ended';
  }

  /** @param {View} shown */
  actions({ kind, code, reason }) {
    const { session } = this;
    const copy = h('button', { class: 'button', type: 'button' }, 'Copy text');
    copy.addEventListener('click', () => copyText(session.text.toString(), copy, 'Copied'));
    /** @type {HTMLElement[]} */
    const actions = [];
    if (kind === 'ended') {
      if (session.text.length > 0) actions.push(copy);
      if (signInHelps({ code, reason }))
        actions.push(h('a', { class: 'button primary', href: signInPage() }, 'Sign in'));
      else if (code === REPLACED) actions.push(button('Load the current version', () => session.renew()));
      else if (readable({ reason }))
        actions.push(h('a', { class: 'button primary', href: api.readingPage(session.details?.id ?? '') }, 'Read it'));
      // The server did not understand this page: only a reload gets its current version.
      else if (code === NOT_UNDERSTOOD) actions.push(button('Try again', () => location.reload()));
      else if (mayRetry({ reason })) actions.push(button('Try again', this.tryAgain));
      actions.push(h('a', { class: 'button', href: '/' }, 'All documents'));
    } else if (kind === 'refused' || kind === 'viewonly') actions.push(copy);
    return actions;
  }
}
