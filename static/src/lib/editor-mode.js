/** How somebody likes to write: in rich text, in Markdown, or in Markdown beside its preview. */
import * as api from './api.js';
import { memory } from './identity.js';

/** @typedef {'wysiwyg' | 'edit' | 'split' | 'preview'} EditorMode */

const KEY = 'editor-mode';

/** @type {Record<Exclude<EditorMode, 'preview'>, string>} */
export const MODES = {
  wysiwyg: 'Rich text',
  edit: 'Markdown',
  split: 'Markdown with a preview beside it',
};

/** @param {EditorMode} mode */
export const keepMode = (mode) => memory.set(KEY, mode);

/** The mode that this browser knows of the reader. */
export const keptMode = () => /** @type {EditorMode | null} */ (memory.get(KEY));

/** Reads the mode of whoever is signed in. Others, who have no settings, write rich text. */
export async function ownMode() {
  try {
    const { editor_mode: mode } = await api.preferences();
    keepMode(mode);
    return mode;
  } catch {
    return keptMode() ?? 'wysiwyg';
  }
}
