/** Files in the editor: takes those that are pasted and dropped, and shows where they will be once they are uploaded. */
import { StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, WidgetType } from '@codemirror/view';
import { markdownOf, onItsLine } from '../lib/file-words.js';
import { offsetOf, relativeRange } from '../lib/relative-positions.js';
import { textOf } from './content.js';

/** @import { DecorationSet } from '@codemirror/view' */
/** @import { Attachment } from '../lib/attachment-types.js' */
/** @import { EditorFiles, FileOptions } from './editor-types.js' */

/** @type {import('@codemirror/state').StateEffectType<{ key: object, at: number }[]>} */
const setFiles = StateEffect.define();

/** A file that is not in the text yet. */
class ComingFile extends WidgetType {
  /**
   * @param {object} key
   * @param {FileOptions['draw']} draw
   */
  constructor(key, draw) {
    super();
    this.key = key;
    this.draw = draw;
    /** @type {WeakMap<HTMLElement, () => void>} */
    this.drawn = new WeakMap();
  }

  /**
   * @override
   * @param {ComingFile} other
   */
  eq(other) {
    return other.key === this.key;
  }

  /** @override */
  toDOM() {
    const element = document.createElement('span');
    element.className = 'coming-file';
    this.drawn.set(element, this.draw(this.key, element));
    return element;
  }

  /**
   * @override
   * @param {HTMLElement} element
   */
  destroy(element) {
    this.drawn.get(element)?.();
  }
}

/** @implements {EditorFiles} */
export class FileMarks {
  /**
   * @param {EditorView} view
   * @param {import('yjs').Doc} doc
   * @param {FileOptions} options
   */
  constructor(view, doc, { take, draw }) {
    this.view = view;
    this.doc = doc;
    this.text = textOf(doc);
    const widgets = (/** @type {{ key: object, at: number }[]} */ files) =>
      Decoration.set(
        // Text that is typed behind the place of a file pushes it away from neither.
        files.map(({ key, at }) => Decoration.widget({ widget: new ComingFile(key, draw), side: -1 }).range(at)),
        true,
      );
    const field = StateField.define({
      create: () => /** @type {DecorationSet} */ (Decoration.none),
      update: (shown, { changes, effects }) => {
        const other = effects.find((effect) => effect.is(setFiles));
        return other ? widgets(other.value) : shown.map(changes);
      },
      provide: (of) => EditorView.decorations.from(of),
    });
    view.dispatch({
      effects: StateEffect.appendConfig.of([
        field,
        EditorView.domEventHandlers({
          paste: ({ clipboardData }, { state }) =>
            clipboardData !== null && take(clipboardData, state.selection.main.head, 'paste'),
          drop: ({ dataTransfer, clientX: x, clientY: y }) =>
            dataTransfer !== null && take(dataTransfer, view.posAtCoords({ x, y }, false), 'drop'),
        }),
      ]),
    });
  }

  /** @param {{ key: object, at: number }[]} files */
  show(files) {
    const { length } = this.view.state.doc;
    this.view.dispatch({ effects: setFiles.of(files.filter(({ at }) => at <= length)) });
  }

  get caret() {
    return this.view.state.selection.main.head;
  }

  /** @param {number} at */
  positionAt(at) {
    return relativeRange(this.text, at, at).relative_end;
  }

  /** @param {string} position */
  offsetOf(position) {
    return offsetOf(this.doc, this.text, position);
  }

  /**
   * @param {Attachment} attachment
   * @param {number} at
   * @param {{ ownLine: boolean, select: boolean }} how
   */
  insert(attachment, at, { ownLine, select }) {
    const { state } = this.view;
    if (at > state.doc.length) return null;
    const markdown = markdownOf(attachment);
    const insert = ownLine
      ? onItsLine(markdown, state.sliceDoc(Math.max(0, at - 1), at), state.sliceDoc(at, at + 1))
      : markdown;
    const { main } = state.selection;
    const end = at + insert.length;
    this.view.dispatch({
      changes: { from: at, insert },
      // As behind any other text that is pasted, unless the person has gone on elsewhere.
      selection: select || (main.empty && main.head === at) ? { anchor: end } : undefined,
      userEvent: 'input.paste',
      scrollIntoView: select,
    });
    return end;
  }
}
