/** Files in the editor: takes those that are pasted and dropped, and shows where they will be once they are uploaded. */
import { StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, WidgetType } from '@codemirror/view';

/** @import { DecorationSet } from '@codemirror/view' */

/**
 * `take`: returns whether it has taken what was pasted or dropped at an offset. `draw`: shows a file in an element, and
 * returns what ends that.
 * @typedef {object} FileOptions
 * @property {(data: DataTransfer, at: number, how: 'paste' | 'drop') => boolean} take
 * @property {(key: object, element: HTMLElement) => () => void} draw
 */

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

export class FileMarks {
  /**
   * @param {EditorView} view
   * @param {FileOptions} options
   */
  constructor(view, { take, draw }) {
    this.view = view;
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
}
