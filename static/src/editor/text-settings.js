/** Settings of a person applied to the text editor. Vim's keys, and what is offered while typing, are loaded on demand. */
import { emacsStyleKeymap } from '@codemirror/commands';
import { syntaxHighlighting } from '@codemirror/language';
import { Compartment, EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, lineNumbers } from '@codemirror/view';
import { yUndoManagerKeymap } from 'y-codemirror.next';
import { bring } from '../lib/bring.js';
import { keptSettings } from '../lib/editor-settings.js';

/** @import { Extension } from '@codemirror/state' */
/** @import { Highlighter } from '@lezer/highlight' */
/** @import { EditorSettings } from '../lib/editor-settings.js' */

export class TextSettings {
  /**
   * @param {Highlighter} highlighter for the signs of the text
   * @param {boolean} completes whether something can be offered while somebody types
   */
  constructor(highlighter, completes) {
    this.highlighter = highlighter;
    this.completes = completes;
    this.look = new Compartment();
    this.keys = new Compartment();
    this.offers = new Compartment();
    this.chosenKeys = 'default';
    this.isOffering = false;
  }

  /** @returns {Extension} to stand before all other keys */
  get extension() {
    return [this.keys.of([]), this.offers.of([]), this.look.of(this.lookOf(keptSettings()))];
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
    this.bring(view, settings);
  }

  /**
   * Brings what is loaded on demand.
   * @param {EditorView} view
   * @param {EditorSettings} settings
   */
  bring(view, { vimMode, keyBindings, autoComplete }) {
    this.applyKeys(view, vimMode ? 'vim' : keyBindings);
    this.applyOffers(view, autoComplete && this.completes);
  }

  /**
   * @param {EditorView} view
   * @param {'default' | 'emacs' | 'vim'} wanted
   */
  async applyKeys(view, wanted) {
    if (wanted === this.chosenKeys) return;
    this.chosenKeys = wanted;
    /** @type {Extension} */
    let keys = [];
    if (wanted === 'emacs') keys = Prec.highest(keymap.of(emacsStyleKeymap));
    if (wanted === 'vim') {
      const { CodeMirror, vim } = await bring(() => import('@replit/codemirror-vim'));
      // Vim's own undo would need the history of CodeMirror, which knows nothing of other people.
      const [undo, redo] = yUndoManagerKeymap.map(({ run }) => run);
      Object.assign(/** @type {any} */ (CodeMirror).commands, {
        undo: (/** @type {{ cm6: EditorView }} */ { cm6 }) => undo?.(cm6),
        redo: (/** @type {{ cm6: EditorView }} */ { cm6 }) => redo?.(cm6),
      });
      keys = vim({ status: true });
    }
    if (this.chosenKeys === wanted) view.dispatch({ effects: this.keys.reconfigure(keys) });
  }

  /**
   * @param {EditorView} view
   * @param {boolean} isWanted
   */
  async applyOffers(view, isWanted) {
    if (isWanted === this.isOffering) return;
    this.isOffering = isWanted;
    const offers = isWanted ? (await bring(() => import('./markdown/completion.js'))).completion : [];
    if (this.isOffering === isWanted) view.dispatch({ effects: this.offers.reconfigure(offers) });
  }
}
