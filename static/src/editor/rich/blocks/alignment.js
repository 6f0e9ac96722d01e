/** Direction and alignment of blocks. The direction of each block is that of its text; nothing is stored for it. */
import { Extension } from '@tiptap/core';

/** @import { Editor } from '@tiptap/core' */
/** @import { IconName } from '../../../components/icons.js' */

/** Their direction is that of their text: the browser finds it, but not through blocks that have an attribute themselves. */
const AROUND = ['blockquote', 'callout', 'details', 'bulletList', 'orderedList', 'taskList'];
/** Their direction is found by the style sheet. */
const BLOCKS = ['paragraph', 'heading', 'listItem', 'taskItem'];
const ALIGNED = ['paragraph', 'heading'];

/** @type {{ side: string, label: string, icon: IconName, key: string, letter: string }[]} */
export const ALIGNMENTS = [
  { side: 'left', label: 'Align left', icon: 'alignleft', key: 'Ctrl+Shift+L', letter: 'l' },
  { side: 'center', label: 'Centre', icon: 'aligncenter', key: 'Ctrl+Shift+E', letter: 'e' },
  { side: 'right', label: 'Align right', icon: 'alignright', key: 'Ctrl+Shift+R', letter: 'r' },
  { side: 'justify', label: 'Justify', icon: 'alignjustify', key: 'Ctrl+Shift+J', letter: 'j' },
];
const SIDES = new Set(ALIGNMENTS.map(({ side }) => side));

/**
 * Aligns the selected blocks. The side that they have already is taken away: they begin where their text begins.
 * @param {Editor} editor
 * @param {string} side
 */
export function align(editor, side) {
  const { tr, selection } = editor.state;
  const value = editor.isActive({ textAlign: side }) ? null : side;
  editor.state.doc.nodesBetween(selection.from, selection.to, (node, at) => {
    if (ALIGNED.includes(node.type.name)) tr.setNodeAttribute(at, 'textAlign', value);
  });
  editor.view.dispatch(tr);
  editor.view.focus();
  return true;
}

/** @param {HTMLElement} element */
const parseDirection = (element) => {
  const dir = element.getAttribute('dir');
  return dir === 'ltr' || dir === 'rtl' ? dir : null;
};

/**
 * The attribute for a direction that another editor has set.
 * @param {string | null} otherwise
 */
const direction = (otherwise) => ({
  default: null,
  parseHTML: parseDirection,
  renderHTML: (/** @type {Record<string, unknown>} */ { dir }) => {
    const shown = dir === 'ltr' || dir === 'rtl' ? dir : otherwise;
    return shown ? { dir: shown } : {};
  },
});

export const Direction = Extension.create({
  name: 'direction',
  addGlobalAttributes: () => [
    { types: AROUND, attributes: { dir: direction('auto') } },
    { types: BLOCKS, attributes: { dir: direction(null) } },
    {
      types: ALIGNED,
      attributes: {
        textAlign: {
          default: null,
          parseHTML: (element) => (SIDES.has(element.style.textAlign) ? element.style.textAlign : null),
          renderHTML: ({ textAlign }) => (SIDES.has(textAlign) ? { style: `text-align: ${textAlign}` } : {}),
        },
      },
    },
  ],
  addKeyboardShortcuts() {
    return Object.fromEntries(
      ALIGNMENTS.map(({ side, letter }) => [`Mod-Shift-${letter}`, () => align(this.editor, side)]),
    );
  },
});
