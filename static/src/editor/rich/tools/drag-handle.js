/**
 * The handle beside the block under the pointer: dragged, it moves the block; pressed, it opens a menu. With the keyboard and
 * on a phone the same is in the menu of the toolbar, and Alt+Shift with an arrow key moves blocks.
 */
import { Extension } from '@tiptap/core';
import { NodeSelection } from '@tiptap/pm/state';
import { icon } from '../../../components/icons.js';
import { bindMenu } from '../../../components/menu.js';
import { h } from '../../../lib/dom.js';
import { deleteBlock, duplicateBlock, moveBlocks } from '../blocks/move-block.js';

/** @import { Editor } from '@tiptap/core' */
/** @import { Items } from '../../../components/menu.js' */

/**
 * @param {Editor} editor
 * @param {1 | -1} step
 */
function move(editor, step) {
  if (!editor.isEditable) return false;
  const tr = moveBlocks(editor.state, step);
  if (tr) editor.view.dispatch(tr);
  editor.view.focus();
  return true;
}

export const MoveKeys = Extension.create({
  name: 'moveKeys',
  addKeyboardShortcuts() {
    return {
      'Alt-Shift-ArrowUp': () => move(this.editor, -1),
      'Alt-Shift-ArrowDown': () => move(this.editor, 1),
    };
  },
});

/**
 * The entries that move, copy and delete a block.
 * @param {Editor} editor
 * @param {() => number | null} [blockAt] where it begins; without it, the block at the top level with the caret
 * @returns {Items}
 */
export function blockItems(editor, blockAt) {
  const at = () => {
    const { $from } = editor.state.selection;
    return blockAt ? blockAt() : $from.depth > 0 ? $from.before(1) : $from.pos;
  };
  const dispatch = (/** @type {typeof deleteBlock} */ make) => () => {
    const place = at();
    const tr = place === null ? null : make(editor.state, place);
    if (tr) editor.view.dispatch(tr);
    editor.view.focus();
  };
  const step = (/** @type {1 | -1} */ by) => () => {
    const place = blockAt?.();
    if (typeof place === 'number') select(editor, place);
    move(editor, by);
  };
  return [
    { label: 'Move up', icon: 'up', note: 'Alt+Shift+↑', act: step(-1) },
    { label: 'Move down', icon: 'down', note: 'Alt+Shift+↓', act: step(1) },
    { label: 'Duplicate', icon: 'copy', act: dispatch(duplicateBlock) },
    { label: 'Delete block', icon: 'trash', danger: true, act: dispatch(deleteBlock) },
  ];
}

/**
 * @param {Editor} editor
 * @param {number} at
 */
function select({ view, state }, at) {
  if (state.doc.nodeAt(at)) view.dispatch(state.tr.setSelection(NodeSelection.create(state.doc, at)));
}

/**
 * @param {Editor} editor
 * @param {HTMLElement} root around the text
 */
export function dragHandle(editor, root) {
  const button = h(
    'button',
    {
      class: 'drag-handle',
      type: 'button',
      draggable: 'true',
      tabindex: '-1',
      'aria-label': 'Block',
      title: 'Drag to move, click for more',
      hidden: true,
    },
    icon('grip'),
  );
  root.append(button);
  /** @type {HTMLElement | null} the block beside which the handle is */
  let block = null;
  const blockAt = () => {
    if (!block?.isConnected || editor.isDestroyed) return null;
    const inside = editor.view.posAtDOM(block, 0);
    const $inside = editor.state.doc.resolve(inside);
    return $inside.depth > 0 ? $inside.before(1) : inside;
  };
  bindMenu(button, () => blockItems(editor, blockAt));
  const hide = () => {
    button.hidden = true;
    block = null;
  };
  const isBusy = () => button.getAttribute('aria-expanded') === 'true' || button.hasAttribute('data-dragged');
  const follow = (/** @type {PointerEvent} */ event) => {
    // A press begins to drag.
    if (isBusy() || event.buttons) return;
    if (event.pointerType !== 'mouse' || !editor.isEditable) {
      hide();
      return;
    }
    if (event.target === button || button.contains(/** @type {Node} */ (event.target))) return;
    const text = editor.view.dom;
    const edge = text.getBoundingClientRect();
    const inner = edge.left + parseFloat(getComputedStyle(text).paddingInlineStart) + 4;
    const hit = document.elementsFromPoint(inner, event.clientY).find((each) => text.contains(each) && each !== text);
    let found = hit ?? null;
    while (found && found.parentElement !== text) found = found.parentElement;
    if (!(found instanceof HTMLElement)) {
      hide();
      return;
    }
    block = found;
    const { top } = found.getBoundingClientRect();
    const style = getComputedStyle(found);
    const line = Math.min(parseFloat(style.lineHeight) || 28, found.offsetHeight);
    const padding = parseFloat(style.paddingTop) || 0;
    button.hidden = false;
    button.style.top = `${Math.round(top - root.getBoundingClientRect().top + padding + line / 2 - 13)}px`;
  };
  root.addEventListener('pointermove', follow);
  root.addEventListener('pointerleave', () => isBusy() || hide());
  text(editor).addEventListener('keydown', hide);
  button.addEventListener('dragstart', (event) => {
    const at = blockAt();
    const { dataTransfer } = event;
    if (at === null || !block || !dataTransfer || !editor.isEditable) {
      event.preventDefault();
      return;
    }
    button.setAttribute('data-dragged', '');
    select(editor, at);
    const { view } = editor;
    const slice = view.state.selection.content();
    dataTransfer.clearData();
    dataTransfer.setData('text/plain', slice.content.textBetween(0, slice.content.size, '\n'));
    dataTransfer.effectAllowed = 'move';
    dataTransfer.setDragImage(block, 0, 0);
    view.dragging = { slice, move: true };
  });
  button.addEventListener('dragend', () => {
    button.removeAttribute('data-dragged');
    editor.view.dragging = null;
    hide();
  });
  return { destroy: () => button.remove() };
}

/** @param {Editor} editor */
const text = ({ view }) => view.dom;
