/** The keys of rich text that reach tools of the page, and what empty paragraphs say. */
import { Extension } from '@tiptap/core';
import { Placeholder } from '@tiptap/extensions';

export const hints = Placeholder.configure({
  showOnlyCurrent: true,
  placeholder: ({ editor: { isEmpty, isEditable }, node }) => {
    if (!isEditable) return '';
    if (node.type.name === 'heading') return `Heading ${node.attrs.level}`;
    return isEmpty ? 'Start writing, or press / for more…' : 'Press / for headings, lists, tables…';
  },
});

/**
 * `changes`, `dismiss`: whether there was something to change, or to leave.
 * @typedef {object} Reached
 * @property {() => void} addLink
 * @property {() => void} find
 * @property {() => void} toTools
 * @property {() => boolean} changes
 * @property {() => boolean} dismiss
 * @property {() => boolean} focus
 */

/** @param {Reached} reached */
export function pageKeys({ addLink, find, toTools, changes, dismiss, focus }) {
  const taken = (/** @type {() => void} */ act) => () => {
    act();
    return true;
  };
  return Extension.create({
    name: 'pageKeys',
    addKeyboardShortcuts: () => ({
      'Mod-k': taken(addLink),
      'Mod-f': taken(find),
      'Alt-F10': taken(toTools),
      Enter: changes,
      Escape: dismiss,
      'Mod-Alt-f': focus,
    }),
  });
}
