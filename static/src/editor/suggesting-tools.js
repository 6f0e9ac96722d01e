/** How people begin and end suggesting: an entry of the document menu, a button for commenters, a line while it goes on. */
import { effect } from '@preact/signals';
import { copyText } from '../components/copy-text.js';
import { confirmDialog, openDialog } from '../components/dialog.js';
import { icon } from '../components/icons.js';
import { $, h, setText } from '../lib/dom.js';
import { kindOf as kindIn } from './content.js';
import { kindOf } from './session-state.js';
import { partsOf, placesOf } from './suggested-parts.js';
import { Suggesting } from './suggesting.js';

/** @import { Discussion } from './discussion.js' */

/**
 * @param {Discussion} discussion
 * @returns {Suggesting}
 */
export function bindSuggesting(discussion) {
  const { session } = discussion;
  const suggesting = new Suggesting(session, { isGuest: discussion.actions.who === null, giveBack });
  const said = h('span', { role: 'status' });
  const done = h(
    'button',
    { class: 'button primary', type: 'button', onclick: () => endSuggesting(suggesting) },
    'Done',
  );
  const line = h(
    'div',
    { class: 'suggesting', hidden: true },
    icon('pencil'),
    h('div', {}, h('b', {}, 'Suggesting'), said),
    done,
  );
  document.body.append(line);
  const begin = h(
    'button',
    { class: 'button suggest', type: 'button', hidden: true, title: 'Propose changes of the text' },
    icon('pencil'),
    h('span', {}, 'Suggest'),
  );
  begin.addEventListener('click', () => suggesting.begin());
  $('comments').before(begin);

  const mark = () => {
    const { proposal, doc } = session;
    discussion.typed = proposal ? placesOf(partsOf(doc, proposal.text)) : [];
    discussion.mark();
  };
  const showButton = () => {
    begin.hidden =
      suggesting.isOn.value ||
      session.details?.role !== 'commenter' ||
      session.status.link === 'ended' ||
      kindOf(session) !== 'markdown';
  };
  session.addEventListener('details', showButton);
  session.addEventListener('renewed', () => {
    // The document has become rich text. What was typed has been given back: it has no place there.
    const isRich = kindIn(session.doc, session.details?.settings?.editor_mode) === 'rich';
    if (session.proposal && isRich) suggesting.end();
    showButton();
  });
  suggesting.addEventListener('changed', mark);
  addEventListener('beforeunload', (event) => {
    if (suggesting.isDirty.value) event.preventDefault();
  });
  effect(() => {
    const isOn = suggesting.isOn.value;
    line.hidden = !isOn;
    document.body.toggleAttribute('data-suggesting', isOn);
    const text = suggesting.isSending.value
      ? 'Sending…'
      : suggesting.sent.value && !suggesting.isDirty.value
        ? 'Your suggestion is saved.'
        : 'What you type is proposed. The document stays as it is.';
    setText(said, suggesting.problem.value || text);
    line.toggleAttribute('data-problem', suggesting.problem.value !== '');
    showButton();
    if (!isOn) discussion.typed = [];
  });
  return suggesting;
}

/**
 * Ends it, and asks first where something could not be sent.
 * @param {Suggesting} suggesting
 */
export async function endSuggesting(suggesting) {
  if (await suggesting.stop()) return;
  await confirmDialog({
    title: 'Leave out your last changes?',
    text: `They have not been sent. ${suggesting.problem.value}`,
    verb: 'Leave out',
    act: () => suggesting.end(),
  });
}

/**
 * Shows what was typed where the text has changed too much.
 * @param {string} text
 */
function giveBack(text) {
  /** @type {HTMLButtonElement} */
  const copy = h(
    'button',
    { class: 'button primary', type: 'button', onclick: () => copyText(text, copy, 'Copied') },
    'Copy',
  );
  openDialog({
    title: 'The text has changed around your suggestion',
    content: [
      h('p', { class: 'dialog-intro' }, 'What you typed last has no place in it any more. You can copy it.'),
      h('textarea', { class: 'given-back', readonly: true, rows: '6', 'aria-label': 'What you typed' }, text),
      h('div', { class: 'actions' }, copy),
    ],
  });
}
