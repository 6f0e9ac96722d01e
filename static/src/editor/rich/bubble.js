/** What appears beside a selection: formats of a text, where a link leads, what a picture shows. */
import { isNodeSelection, isTextSelection } from '@tiptap/core';
import { icon } from '../../components/icons.js';
import { toolMenu } from '../../components/toolbar.js';
import { h } from '../../lib/dom.js';
import { MARKS } from './actions.js';
import { isSafe } from './addresses.js';
import { describe, hasWidth, setPictureWidth } from './blocks/picture-dialog.js';
import { colourItems } from './colours.js';
import { linkAt } from './tools/link-dialog.js';
import { actionButton } from './toolbar.js';

/** @import { Editor } from '@tiptap/core' */

/** Pixels of pictures; null: as wide as they are. */
const SIZES = [
  { label: 'Small', width: 200 },
  { label: 'Medium', width: 400 },
  { label: 'Large', width: 600 },
  { label: 'Original', width: null },
];
const GAP = 8;
/** Where the device or the toolbar offers the same close by. */
const small = matchMedia('(max-width: 600px), (pointer: coarse)');

/**
 * @param {Editor} editor
 * @param {{ addLink: () => void }} acts
 */
export function bubble(editor, { addLink }) {
  const marks = [MARKS.bold, MARKS.italic, MARKS.underline, MARKS.strike, MARKS.code, MARKS.highlight].map((action) =>
    actionButton(action, editor),
  );
  const link = actionButton(
    { label: 'Link', icon: 'link', key: 'Ctrl+K', isOn: () => editor.isActive('link'), act: addLink },
    editor,
  );
  const formats = h(
    'div',
    { class: 'bubble', role: 'toolbar', 'aria-label': 'Format of the selection' },
    ...[...marks, link].map(({ button }) => button),
    toolMenu([icon('palette')], 'Colours', () => colourItems(editor)),
  );
  const leads = h('a', { class: 'bubble-link', target: '_blank', rel: 'noopener noreferrer nofollow', tabindex: '-1' });
  const change = actionButton({ label: 'Change link', icon: 'pencil', act: addLink }, editor);
  const linkBox = h('div', { class: 'bubble', role: 'group', 'aria-label': 'Link' }, leads, change.button);
  const ask = (/** @type {'alt' | 'title'} */ name, /** @type {string} */ label) =>
    h('button', { class: 'tool wide', type: 'button', tabindex: '-1', onclick: () => describe(editor, name) }, label);
  const size = toolMenu([h('span', {}, 'Size')], 'Size', () => [
    ...SIZES.map(({ label, width }) => ({
      label,
      checked: hasWidth(editor, width),
      act: () => setPictureWidth(editor, width),
    })),
    { label: 'Other width…', checked: false, act: () => describe(editor, 'width') },
  ]);
  const remove = actionButton(
    { label: 'Delete picture', icon: 'trash', act: () => editor.chain().focus().deleteSelection().run() },
    editor,
  );
  const pictureBox = h(
    'div',
    { class: 'bubble', role: 'group', 'aria-label': 'Picture' },
    ask('alt', 'Alt text'),
    ask('title', 'Caption'),
    size,
    remove.button,
  );
  const boxes = [formats, linkBox, pictureBox];
  for (const box of boxes) {
    box.hidden = true;
    box.addEventListener('pointerdown', (event) => event.target !== leads && event.preventDefault());
  }
  document.body.append(...boxes);
  let isPressed = false;
  let isDismissed = false;
  let selected = '';

  /** Which box the selection wants. */
  const wanted = () => {
    const { selection } = editor.state;
    const isIdle = isPressed || isDismissed || !editor.isEditable || !editor.view.hasFocus();
    if (isIdle) return null;
    if (isNodeSelection(selection)) return selection.node.type.name === 'image' ? pictureBox : null;
    if (!isTextSelection(selection)) return null;
    if (selection.empty) return linkAt(editor) ? linkBox : null;
    return small.matches ||
      editor.isActive('codeBlock') ||
      !editor.state.doc.textBetween(selection.from, selection.to).trim()
      ? null
      : formats;
  };
  const show = () => {
    const { from, to } = editor.state.selection;
    if (selected !== `${from} ${to}`) isDismissed = false;
    selected = `${from} ${to}`;
    const box = wanted();
    for (const each of boxes) each.hidden = each !== box;
    if (!box) return;
    for (const each of [...marks, link]) each.show();
    if (box === linkBox) {
      const href = linkAt(editor)?.href ?? '';
      leads.textContent = href.replace(/^(?:https?:\/\/|mailto:)/, '') || 'No address';
      if (isSafe(href)) leads.href = href;
      else leads.removeAttribute('href');
    }
    place(editor, box, isNodeSelection(editor.state.selection));
  };
  const pressed = () => {
    isPressed = true;
    show();
  };
  const released = () => {
    if (!isPressed) return;
    isPressed = false;
    // The selection of a click follows the event.
    setTimeout(() => !editor.isDestroyed && show());
  };
  const gone = () => setTimeout(() => !editor.isDestroyed && show());
  editor.view.dom.addEventListener('pointerdown', pressed);
  editor.view.dom.addEventListener('focusout', gone);
  editor.view.dom.addEventListener('focusin', gone);
  addEventListener('pointerup', released);
  addEventListener('pointercancel', released);
  addEventListener('resize', show);
  return {
    show,
    /** Hides it until something else is selected. */
    dismiss() {
      const wasShown = boxes.some(({ hidden }) => !hidden);
      isDismissed = true;
      show();
      return wasShown;
    },
    destroy() {
      removeEventListener('pointerup', released);
      removeEventListener('pointercancel', released);
      removeEventListener('resize', show);
      for (const box of boxes) box.remove();
    },
  };
}

/**
 * @param {Editor} editor
 * @param {HTMLElement} box
 * @param {boolean} isInside whether it lies on what is selected
 */
function place({ view }, box, isInside) {
  const { from, to } = view.state.selection;
  const first = view.coordsAtPos(from, 1);
  const last = view.coordsAtPos(to, -1);
  const edge = view.dom.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = box;
  const middle = last.top > first.bottom ? (edge.left + edge.right) / 2 : (first.left + last.right) / 2;
  const left = Math.max(8, Math.min(middle - width / 2, innerWidth - width - 8));
  const header = 120;
  const above = first.top - height - GAP;
  const isBelow = from === to || (above < header && !isInside);
  const top = isInside ? Math.max(first.top + GAP, header) : isBelow ? last.bottom + GAP : above;
  box.style.left = `${Math.round(left + scrollX)}px`;
  box.style.top = `${Math.round(top + scrollY)}px`;
}
