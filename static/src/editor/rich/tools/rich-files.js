/** Files in the rich text editor: takes those that are pasted and dropped, and shows where they will be. */
import { Plugin, PluginKey, Selection } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';
import { isPicture } from '../../../lib/file-words.js';
import { goOnBelow } from '../actions.js';
import { offsetOf, positionAt } from '../positions.js';

/** @import { Editor } from '@tiptap/core' */
/** @import { Attachment } from '../../../lib/attachment-types.js' */
/** @import { EditorFiles, FileOptions } from '../../editor-types.js' */

/** @type {PluginKey<DecorationSet>} */
const KEY = new PluginKey('files');

/**
 * What a picture is called where nobody has described it yet: its file without the ending.
 * @param {string} name
 */
export const altOf = (name) =>
  name
    .replace(/\.\w{1,5}$/, '')
    .replace(/[\s_]+/g, ' ')
    .trim();

/** @implements {EditorFiles} */
export class RichFiles {
  /**
   * @param {Editor} editor
   * @param {FileOptions} options
   */
  constructor(editor, { take, draw }) {
    this.editor = editor;
    /** @type {WeakMap<object, number>} */
    this.names = new WeakMap();
    this.count = 0;
    /** @type {WeakMap<Node, () => void>} */
    const ends = new WeakMap();
    const widget = (/** @type {{ key: object, at: number }} */ { key, at }) =>
      Decoration.widget(
        at,
        () => {
          const element = document.createElement('span');
          element.className = 'coming-file';
          element.contentEditable = 'false';
          ends.set(element, draw(key, element));
          return element;
        },
        { side: -1, key: this.nameOf(key), destroy: (node) => ends.get(node)?.() },
      );
    editor.registerPlugin(
      new Plugin({
        key: KEY,
        state: {
          init: () => DecorationSet.empty,
          apply: (transaction, shown) => {
            const files = transaction.getMeta(KEY);
            return files
              ? DecorationSet.create(transaction.doc, files.map(widget))
              : shown.map(transaction.mapping, transaction.doc);
          },
        },
        props: {
          decorations: (state) => KEY.getState(state),
          handlePaste: (view, { clipboardData }) =>
            clipboardData !== null && take(clipboardData, view.state.selection.head, 'paste'),
          handleDrop: (view, event) => {
            const { dataTransfer, clientX: left, clientY: top } = event;
            if (!dataTransfer) return false;
            return take(dataTransfer, view.posAtCoords({ left, top })?.pos ?? view.state.doc.content.size, 'drop');
          },
        },
      }),
      (added, others) => [added, ...others],
    );
  }

  /** @param {object} key */
  nameOf(key) {
    const known = this.names.get(key);
    if (known !== undefined) return `file-${known}`;
    this.count += 1;
    this.names.set(key, this.count);
    return `file-${this.count}`;
  }

  get caret() {
    return this.editor.state.selection.head;
  }

  /** @param {{ key: object, at: number }[]} files */
  show(files) {
    this.editor.view.dispatch(this.editor.state.tr.setMeta(KEY, files).setMeta('addToHistory', false));
  }

  /** @param {number} at */
  positionAt(at) {
    return positionAt(this.editor.state, at, -1);
  }

  /** @param {string} position */
  offsetOf(position) {
    return offsetOf(this.editor.state, position);
  }

  /**
   * A picture becomes a block of its own, another file a link.
   * @param {Attachment} attachment
   * @param {number} at
   * @param {{ ownLine: boolean, select: boolean }} how
   */
  insert(attachment, at, { ownLine, select }) {
    const { state, view, schema } = this.editor;
    if (at > state.doc.content.size) return null;
    const { file_name: name, url } = attachment;
    const { tr } = state;
    const $at = state.doc.resolve(at);
    const isFree = $at.parent.type.name === 'paragraph' && $at.parent.content.size === 0;
    let end;
    if (isPicture(attachment)) {
      const picture = schema.nodes.image.create({ src: url, alt: altOf(name) });
      const depth = Array.from({ length: $at.depth + 1 }, (_, each) => $at.depth - each).find((each) => {
        const index = $at.indexAfter(each);
        return $at.node(each).canReplaceWith(index, index, schema.nodes.image);
      });
      if (depth === undefined) return null;
      const [from, to] = isFree && $at.depth === depth + 1 ? [$at.before(), $at.after()] : edgeOf($at, depth);
      tr.replaceWith(from, to, picture);
      end = from + picture.nodeSize;
      goOnBelow({ tr });
    } else {
      const link = schema.text(name.replace(/\s+/g, ' '), [schema.marks.link.create({ href: url })]);
      if (!$at.parent.inlineContent || !$at.parent.type.allowsMarkType(schema.marks.link)) return null;
      const line = ownLine && !isFree && schema.nodes.hardBreak;
      const content = line && $at.parentOffset > 0 ? [line.create(), link] : [link];
      tr.insert(at, content);
      end = at + content.reduce((size, node) => size + node.nodeSize, 0);
    }
    if (select) tr.setSelection(Selection.near(tr.doc.resolve(end), 1)).scrollIntoView();
    view.dispatch(tr);
    return end;
  }
}

/**
 * Where a block goes that is put behind what holds a place.
 * @param {import('@tiptap/pm/model').ResolvedPos} $at
 * @param {number} depth of the node that takes the block
 * @returns {[number, number]}
 */
function edgeOf($at, depth) {
  const at = $at.depth > depth ? $at.after(depth + 1) : $at.pos;
  return [at, at];
}
