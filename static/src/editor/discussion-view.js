/** Draws the comments: the panel, or the threads beside the text. */
import { effect } from '@preact/signals';
import { h, render } from 'preact';
import { CommentsMargin } from '../components/comments-margin.js';
import { CommentsPanel } from '../components/comments-panel.js';
import { leaveSide, takeSide } from '../components/side-panel.js';
import { $, h as element } from '../lib/dom.js';

/** @import { Discussion } from './discussion.js' */

const narrow = matchMedia('(max-width: 800px)');
/** What the panel covers on a narrow screen. */
const COVERED = '.skip, .bar, main, .notice';

/** @param {Discussion} discussion */
export function drawDiscussion(discussion) {
  const root = element('div', { class: 'comments' });
  const beside = element('div', { class: 'comments-beside' });
  document.body.append(root);
  $('editor').after(beside);
  const cover = () => {
    const covers = discussion.isOpen.value && narrow.matches;
    for (const each of document.querySelectorAll(COVERED)) each.toggleAttribute('inert', covers);
  };
  narrow.addEventListener('change', () => {
    if (discussion.isOpen.value) cover();
  });
  const close = () => discussion.close();
  let wasOpen = false;
  effect(() => {
    const isOpen = discussion.isOpen.value;
    if (isOpen === wasOpen) return;
    wasOpen = isOpen;
    if (isOpen) takeSide(close);
    else leaveSide(close);
    document.body.toggleAttribute('data-comments', isOpen);
    cover();
    render(isOpen ? h(CommentsPanel, { discussion }) : null, root);
  });
  let wasShown = false;
  effect(() => {
    const { isWide, isOpen, inMargin, session } = discussion;
    const isShown = isWide.value && !isOpen.value && inMargin.value.length > 0;
    if (isShown === wasShown) return;
    wasShown = isShown;
    document.body.toggleAttribute('data-margin', isShown);
    render(isShown ? h(CommentsMargin, { discussion }) : null, beside);
    // The text has become narrower or wider.
    requestAnimationFrame(() => session.editor?.measure());
  });
}
