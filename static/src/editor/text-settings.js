/** Settings of a person applied to the text editor. Vim's keys are loaded on demand. */
import { syntaxHighlighting } from '@codemirror/language';
import { Compartment, EditorState } from '@codemirror/state';
import { EditorView, lineNumbers } from '@codemirror/view';
import { yUndoManagerKeymap } from 'y-codemirror.next';
import { bring } from '../lib/bring.js';
import { keptSettings } from '../lib/editor-settings.js';

/** @import { Extension } from '@codemirror/state' */
/** @import { Highlighter } from '@lezer/highlight' */
/** @import { EditorSettings } from '../lib/editor-settings.js' */

export class TextSettings {
  /** @param {Highlighter} highlighter for the signs of the text */
  constructor(highlighter) {
    this.highlighter = highlighter;
    this.look = new Compartment();
    this.keys = new Compartment();
    this.vim = false;
  }

  /** @returns {Extension} to stand before all other keys */
  get extension() {
    return [this.keys.of([]), this.look.of(this.lookOf(keptSettings()))];
  }

  /**
   * @param {EditorSettings} settings
   * @returns {Extension}
   */
  lookOf({ tabSize, wordWrap, lineNumbers: areNumbered, syntaxHighlighting: isColoured }) {
    return [
      EditorState.tabSize.of(tabSize),
      areNumbered ? lineNumbers() : [],
      wordWrap ? EditorView.lineWrapping : [],
      isColoured ? syntaxHighlighting(this.highlighter) : [],
    ];
  }

  /**
   * @param {EditorView} view
   * @param {EditorSettings} settings
   */
  apply(view, settings) {
    view.dispatch({ effects: this.look.reconfigure(this.lookOf(settings)) });
    this.applyKeys(view, settings.vimMode);
  }

  /**
   * @param {EditorView} view
   * @param {boolean} isVim
   */
  async applyKeys(view, isVim) {
    if (isVim === this.vim) return;
    this.vim = isVim;
    /** @type {Extension} */
    let keys = [];
    if (isVim) {
      const { CodeMirror, vim } = await bring(() => import('@replit/codemirror-vim'));
      // Vim's own undo would need the history of CodeMirror, which knows nothing of other people.
      const [undo, redo] = yUndoManagerKeymap.map(({ run }) => run);
      Object.assign(/** @type {any} */ (CodeMirror).commands, {
        undo: (/** @type {{ cm6: EditorView }} */ { cm6 }) => undo?.(cm6),
        redo: (/** @type {{ cm6: EditorView }} */ { cm6 }) => redo?.(cm6),
      });
      keys = vim({ status: true });
    }
    if (this.vim === isVim) view.dispatch({ effects: this.keys.reconfigure(keys) });
  }
}
