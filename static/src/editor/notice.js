/** The notice of the editor page: what is wrong with the connection or the document, and what can be done. */
import { copyText } from '../components/copy-text.js';
import { signInPage } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { $, h, setText } from '../lib/dom.js';
import { isEmpty, plainText } from './content.js';
import { mayRetry, readable, signInHelps } from './status-words.js';

/** @import { Session } from './session.js' */
/** @import { View } from './status.js' */
/** @import { Words } from './status-words.js' */

const NOTICED = new Set(['offline', 'busy', 'refused', 'delayed', 'ended']);
const NOT_UNDERSTOOD = 4400;
const REPLACED = 4409;
/** What people with an account are told who have no access. */
const MAY_ASK = [
  'No access',
  'This document does not exist, or you have no access to it. You can ask the people who are responsible for it.',
];
const ASKED = [
  'Request sent',
  'The people who are responsible for this document are told. It opens here as soon as you have access.',
];

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
    /** Asks for access: set for people with an account. `isSent`: they have asked. */
    this.request = /** @type {{ mayAsk: (shown: View) => boolean, ask: () => void, isSent: boolean } | null} */ (null);
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
    const asks = shown.kind === 'ended' && this.request?.mayAsk(shown) ? this.request : null;
    const [title, text] = asks ? (asks.isSent ? ASKED : MAY_ASK) : [label, detail];
    const key = wanted ? `${shown.kind} ${shown.code} ${text}` : '';
    if (!wanted) this.dismissed = '';
    notice.hidden = !wanted || this.dismissed === shown.kind;
    if (!wanted || notice.dataset.key === key) return;
    notice.dataset.key = key;
    notice.dataset.kind = asks?.isSent ? 'asked' : shown.kind;
    setText($('notice-title'), title);
    setText($('notice-text'), text);
    $('notice-actions').replaceChildren(...(asks ? this.asking(asks) : this.actions(shown)));
    $('notice-close').hidden = shown.kind === 'ended';
  }

  /** @param {{ ask: () => void, isSent: boolean }} request */
  asking({ ask, isSent }) {
    const { session } = this;
    return [
      !isSent && h('button', { class: 'button primary', type: 'button', onclick: ask }, 'Request access'),
      !isEmpty(session.doc) && this.copyButton(),
      button('Try again', this.tryAgain),
      h('a', { class: 'button', href: '/' }, 'All documents'),
    ].filter((each) => each instanceof HTMLElement);
  }

  copyButton() {
    const copy = h('button', { class: 'button', type: 'button' }, 'Copy text');
    copy.addEventListener('click', () => copyText(plainText(this.session.doc), copy, 'Copied'));
    return copy;
  }

  /** @param {View} shown */
  actions({ kind, code, reason }) {
    const { session } = this;
    /** @type {HTMLElement[]} */
    const actions = [];
    if (kind === 'ended') {
      if (!isEmpty(session.doc)) actions.push(this.copyButton());
      if (signInHelps({ code, reason }))
        actions.push(h('a', { class: 'button primary', href: signInPage() }, 'Sign in'));
      else if (code === REPLACED) actions.push(button('Load the current version', () => session.renew()));
      else if (readable({ reason }))
        actions.push(h('a', { class: 'button primary', href: api.readingPage(session.details?.id ?? '') }, 'Read it'));
      // The server did not understand this page: only a reload gets its current version.
      else if (code === NOT_UNDERSTOOD) actions.push(button('Try again', () => location.reload()));
      else if (mayRetry({ reason })) actions.push(button('Try again', this.tryAgain));
      if (!('byLink' in document.body.dataset)) actions.push(h('a', { class: 'button', href: '/' }, 'All documents'));
    } else if (kind === 'refused' || kind === 'viewonly') actions.push(this.copyButton());
    return actions;
  }
}
