/** Dates as text, in the language of the document or the browser. */

/** @import { Editor } from '@tiptap/core' */
/** @import { Action } from '../actions.js' */

/**
 * @param {string | null | undefined} language
 * @returns {Action[]}
 */
export function dateActions(language) {
  /** @param {number} days from today */
  const date = (days) => {
    const day = new Date();
    day.setDate(day.getDate() + days);
    return new Intl.DateTimeFormat(language || undefined, { dateStyle: 'long' }).format(day);
  };
  const write = (/** @type {Editor} */ editor, /** @type {number} */ days) =>
    editor
      .chain()
      .focus()
      .insertContent({ type: 'text', text: `${date(days)} ` })
      .run();
  return [
    { label: 'Today', icon: 'clock', note: date(0), words: 'date day now', act: (editor) => write(editor, 0) },
    { label: 'Tomorrow', icon: 'clock', note: date(1), words: 'date day', act: (editor) => write(editor, 1) },
  ];
}
