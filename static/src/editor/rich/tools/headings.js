/** The headings of a rich text, for its contents. */
import { TextSelection } from '@tiptap/pm/state';

/** @import { Editor } from '@tiptap/core' */
/** @import { Heading } from '../../../components/outline.js' */

/** Pixels of the page's header and the toolbar. */
const HEADER = 130;

/** @param {Editor} editor */
function placesOf({ state: { doc } }) {
  /** @type {{ level: number, text: string, at: number }[]} */
  const found = [];
  doc.descendants((node, at) => {
    if (node.type.name === 'heading')
      found.push({ level: node.attrs.level, text: node.textContent.replace(/\s+/g, ' ').trim(), at });
    return !node.isTextblock;
  });
  return found;
}

/**
 * @param {Editor} editor
 * @returns {Heading[]}
 */
export const headingsOf = (editor) =>
  placesOf(editor).map(({ level, text, at }, index) => ({
    level,
    text,
    top: () => {
      const dom = editor.isDestroyed ? null : editor.view.nodeDOM(at);
      return dom instanceof HTMLElement ? dom.getBoundingClientRect().top : Infinity;
    },
    go: () => {
      // Others may have written above it meanwhile.
      const place = placesOf(editor)[index];
      if (!place) return;
      const { view, state } = editor;
      const end = place.at + 1 + (state.doc.nodeAt(place.at)?.content.size ?? 0);
      view.dispatch(state.tr.setSelection(TextSelection.create(state.doc, end)));
      view.focus();
      scrollTo({ top: view.coordsAtPos(place.at + 1).top + scrollY - HEADER });
    },
  }));
