/** The colours of text and of highlights that the page offers. Each has a counterpart for dark pages, which is not stored. */
import { h } from '../../lib/dom.js';

/** @import { Editor } from '@tiptap/core' */
/** @import { Items } from '../../components/menu.js' */

/** @type {[string, string, string][]} name, stored value, value on a dark page */
export const TEXT_COLOURS = [
  ['Grey', '#6b6660', '#a9a7b0'],
  ['Brown', '#8a5a33', '#d0a37c'],
  ['Red', '#b42336', '#ff8c98'],
  ['Orange', '#a9500a', '#f2a35e'],
  ['Green', '#1a7044', '#5cc492'],
  ['Blue', '#1d5fb4', '#82b4ff'],
  ['Purple', '#7440b0', '#c5a0f5'],
  ['Pink', '#a8327a', '#f292c6'],
];
/** @type {[string, string, string][]} */
export const HIGHLIGHTS = [
  ['Yellow', '#fdf0a8', '#6b5a14'],
  ['Orange', '#fde0c2', '#70451b'],
  ['Red', '#fbd9dc', '#6e2f37'],
  ['Green', '#d5efdd', '#245238'],
  ['Blue', '#d8e7fb', '#26456f'],
  ['Purple', '#e9dcf8', '#4b3569'],
  ['Grey', '#e6e3de', '#45454c'],
];
/** What other editors may have stored. */
const COLOUR = /^(?:#[0-9a-f]{3,8}|rgba?\([\d\s.,%/]+\)|hsla?\([\d\s.,%/deg]+\)|[a-z]{3,20})$/i;

/**
 * What a style says for a stored colour. null: it is none.
 * @param {unknown} stored
 * @param {[string, string, string][]} known
 */
export function shownColour(stored, known) {
  if (typeof stored !== 'string' || !COLOUR.test(stored)) return null;
  const dark = known.find(([, value]) => value === stored.toLowerCase())?.[2];
  return dark ? `light-dark(${stored}, ${dark})` : stored;
}

/**
 * The colour in pasted HTML, where it is one that the page offers. Those of other pages fit no dark page.
 * @param {string} value of a style
 * @param {[string, string, string][]} known
 */
export function offeredColour(value, known) {
  const hex = value.replace(
    /rgb\((\d+), ?(\d+), ?(\d+)\)/,
    (_, ...parts) =>
      `#${parts
        .slice(0, 3)
        .map((part) => Number(part).toString(16).padStart(2, '0'))
        .join('')}`,
  );
  return known.find(([, stored]) => hex.toLowerCase().includes(stored))?.[1] ?? null;
}

/**
 * @param {string} colour
 * @param {boolean} isText
 */
function swatch(colour, isText) {
  const mark = h('span', { class: isText ? 'swatch letter' : 'swatch' }, isText ? 'A' : '');
  mark.style[isText ? 'color' : 'backgroundColor'] = colour;
  return mark;
}

/**
 * Takes away marks that say nothing any more. Other properties than the colour stay.
 * @param {{ tr: import('@tiptap/pm/state').Transaction }} props
 */
function dropEmpty({ tr }) {
  const { from, to } = tr.selection;
  tr.doc.nodesBetween(from, to, (node, at) => {
    for (const mark of node.marks)
      if (mark.type.name === 'textStyle' && Object.values(mark.attrs).every((value) => value === null))
        tr.removeMark(Math.max(at, from), Math.min(at + node.nodeSize, to), mark);
  });
  return true;
}

/**
 * The entries of a menu that colours the selection.
 * @param {Editor} editor
 * @returns {Items}
 */
export function colourItems(editor) {
  const now = editor.getAttributes('textStyle').color ?? null;
  const marked = editor.isActive('highlight') ? (editor.getAttributes('highlight').color ?? HIGHLIGHTS[0][1]) : null;
  const text = (/** @type {string | null} */ color) => {
    editor.chain().focus().setMark('textStyle', { color }).command(dropEmpty).run();
  };
  const mark = (/** @type {string | null} */ color) => {
    const chain = editor.chain().focus();
    (color ? chain.setMark('highlight', { color }) : chain.unsetMark('highlight')).run();
  };
  return [
    { heading: 'Text' },
    { label: 'Default colour', mark: swatch('var(--text)', true), checked: now === null, act: () => text(null) },
    ...TEXT_COLOURS.map(([name, value]) => ({
      label: name,
      mark: swatch(shownColour(value, TEXT_COLOURS) ?? value, true),
      checked: now === value,
      act: () => text(value),
    })),
    { heading: 'Highlight' },
    { label: 'No highlight', mark: swatch('transparent', false), checked: marked === null, act: () => mark(null) },
    ...HIGHLIGHTS.map(([name, value], index) => ({
      label: `${name} highlight`,
      mark: swatch(shownColour(value, HIGHLIGHTS) ?? value, false),
      checked: marked === value,
      // The first one is a highlight without a colour, which Markdown knows.
      act: () => (index ? mark(value) : editor.chain().focus().setMark('highlight', { color: null }).run()),
    })),
  ];
}
