/** The button of the editor page that opens the files, and what takes files that are dropped and pasted. */
import { effect } from '@preact/signals';
import { h as component, render } from 'preact';
import { FilesPanel } from '../components/files-panel.js';
import { icon } from '../components/icons.js';
import { leaveSide, takeSide } from '../components/side-panel.js';
import { $, h, setText } from '../lib/dom.js';
import { counted } from '../lib/format.js';
import { Files } from './files.js';
import { until } from './session-state.js';

/** @import { Items } from '../components/menu.js' */
/** @import { CurrentUser } from '../lib/types.js' */
/** @import { Session } from './session.js' */

const narrow = matchMedia('(max-width: 800px)');
/** What the panel covers on a narrow screen. */
const COVERED = '.skip, .bar, main, .notice';

/**
 * @param {Session} session
 * @param {CurrentUser | null} who an account; null for everybody else
 * @returns {Promise<{ items: () => Items }>} items: entries of the document menu
 */
export async function bindFiles(session, who) {
  await until(session, () => session.details !== null && session.editor !== null);
  const files = new Files(session, who);
  placeButton(files);
  drawPanel(files);
  return { items: () => [{ label: 'Files', icon: 'clip', act: () => files.open() }] };
}

/** @param {Files} files */
function placeButton(files) {
  const badge = h('span', { class: 'count', 'aria-hidden': 'true' });
  const button = h(
    'button',
    { class: 'icon-button files-button', type: 'button', id: 'files', title: 'Files' },
    icon('clip'),
    badge,
  );
  button.addEventListener('click', () => files.toggle());
  const bar = $('bar');
  (bar.querySelector('#comments') ?? bar.querySelector('.people'))?.after(button);
  effect(() => {
    const count = files.uploads.items.value.length;
    setText(badge, count > 0 ? String(count) : '');
    button.setAttribute('aria-label', count > 0 ? `Files, ${counted(count, 'upload')}` : 'Files');
    button.setAttribute('aria-expanded', String(files.isOpen.value));
  });
}

/** @param {Files} files */
function drawPanel(files) {
  const root = h('div', { class: 'files' });
  document.body.append(root);
  const cover = () => {
    const covers = files.isOpen.value && narrow.matches;
    for (const each of document.querySelectorAll(COVERED)) each.toggleAttribute('inert', covers);
  };
  narrow.addEventListener('change', () => {
    if (files.isOpen.value) cover();
  });
  const close = () => files.close();
  let wasOpen = false;
  effect(() => {
    const isOpen = files.isOpen.value;
    if (isOpen === wasOpen) return;
    wasOpen = isOpen;
    if (isOpen) takeSide(close);
    else leaveSide(close);
    document.body.toggleAttribute('data-files', isOpen);
    cover();
    render(isOpen ? component(FilesPanel, { files }) : null, root);
    // The text has become narrower or wider.
    requestAnimationFrame(() => files.session.editor?.measure());
  });
}
