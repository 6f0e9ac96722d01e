/** How people begin and end suggesting: an entry of the document menu, a button for commenters, a line while it goes on. */
import { effect } from '@preact/signals';
import { icon } from '../components/icons.js';
import { $, h, setText } from '../lib/dom.js';
import { Suggesting, partsOf } from './suggesting.js';

/** @import { Discussion } from './discussion.js' */
/** @import { Place } from './comment-marks.js' */

const KEY = 'typed';

/**
 * @param {Discussion} discussion
 * @returns {Suggesting}
 */
export function bindSuggesting(discussion) {
  const { session } = discussion;
  const suggesting = new Suggesting(session, { isGuest: discussion.actions.who === null });
  const said = h('span', { role: 'status' });
  const done = h('button', { class: 'button primary', type: 'button', onclick: () => suggesting.stop() }, 'Done');
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
    begin.hidden = suggesting.isOn.value || session.details?.role !== 'commenter';
  };
  session.addEventListener('details', showButton);
  suggesting.addEventListener('changed', mark);
  effect(() => {
    const isOn = suggesting.isOn.value;
    line.hidden = !isOn;
    document.body.toggleAttribute('data-suggesting', isOn);
    const text = suggesting.isSending.value
      ? 'Sending…'
      : suggesting.sent.value
        ? 'Your suggestion is saved.'
        : 'What you type is proposed. The document stays as it is.';
    setText(said, suggesting.problem.value || text);
    line.toggleAttribute('data-failed', suggesting.problem.value !== '');
    showButton();
    if (!isOn) discussion.typed = [];
  });
  return suggesting;
}

/**
 * Where the parts that differ are in the text of the copy.
 * @param {ReturnType<typeof partsOf>} parts
 * @returns {Place[]}
 */
export function placesOf(parts) {
  /** @type {Place[]} */
  const places = [];
  let at = 0;
  for (const { kind, text } of parts) {
    if (kind === 'deleted') places.push({ key: KEY, kind: 'typed', from: at, to: at, deleted: text });
    else {
      if (kind === 'inserted') places.push({ key: KEY, kind: 'typed', from: at, to: at + text.length });
      at += text.length;
    }
  }
  return places;
}
