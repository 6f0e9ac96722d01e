/** The text editor: CodeMirror on a Y.Text, Markdown highlighted in place. */
import { defaultKeymap } from '@codemirror/commands';
import { markdownKeymap, markdownLanguage, pasteURLAsLink } from '@codemirror/lang-markdown';
import { syntaxTree } from '@codemirror/language';
import { highlightSelectionMatches, search, searchKeymap } from '@codemirror/search';
import { Compartment, EditorState, RangeSetBuilder } from '@codemirror/state';
import { Decoration, EditorView, ViewPlugin, drawSelection, dropCursor, keymap, placeholder } from '@codemirror/view';
import { tagHighlighter, tags } from '@lezer/highlight';
import { yCollab, yUndoManagerKeymap } from 'y-codemirror.next';
import * as Y from 'yjs';
import { keptSettings } from '../lib/editor-settings.js';
import { relativeRange } from '../lib/relative-positions.js';
import { Tints } from './blame-tints.js';
import { CommentMarks } from './comment-marks.js';
import { textOf } from './content.js';
import { FileMarks } from './file-marks.js';
import { remoteCursors } from './remote-cursors.js';
import { TextSettings } from './text-settings.js';

/** @import { Extension } from '@codemirror/state' */
/** @import { ViewUpdate } from '@codemirror/view' */
/** @import { Editor, EditorOptions } from './editor-types.js' */

const highlighter = tagHighlighter([
  { tag: tags.heading1, class: 'md-h md-h1' },
  { tag: tags.heading2, class: 'md-h md-h2' },
  { tag: tags.heading3, class: 'md-h md-h3' },
  { tag: [tags.heading4, tags.heading5, tags.heading6], class: 'md-h' },
  { tag: tags.strong, class: 'md-strong' },
  { tag: tags.emphasis, class: 'md-emphasis' },
  { tag: tags.strikethrough, class: 'md-struck' },
  { tag: tags.link, class: 'md-link' },
  { tag: tags.url, class: 'md-url' },
  { tag: tags.monospace, class: 'md-code' },
  { tag: tags.quote, class: 'md-quote' },
  { tag: [tags.processingInstruction, tags.contentSeparator, tags.labelName], class: 'md-mark' },
  { tag: [tags.meta, tags.comment, tags.tagName, tags.angleBracket], class: 'md-mark' },
]);

const HEADER = 76;
const FOOTER = 72;

/**
 * Pixels of the editor that are covered at its top and bottom. CodeMirror scrolls so far that a place is beside them, and
 * hides what belongs to a place that is covered.
 * @param {EditorView} view
 * @param {number} above pixels at the top of the window
 */
export function covered(view, above) {
  const { top, bottom } = view.dom.getBoundingClientRect();
  return {
    top: Math.min(above, Math.max(0, above - top)),
    bottom: Math.min(FOOTER, Math.max(0, bottom - innerHeight + FOOTER)),
  };
}

/**
 * @param {boolean} first
 * @param {boolean} last
 */
const blockLine = (first, last) =>
  Decoration.line({
    class: `md-block${first ? ' md-block-first' : ''}${last ? ' md-block-last' : ''}`,
  });

/** Gives the lines of fenced code their background. */
const codeBlocks = ViewPlugin.fromClass(
  class {
    /** @param {EditorView} view */
    constructor(view) {
      this.decorations = this.find(view);
    }

    /** @param {import('@codemirror/view').ViewUpdate} update */
    update(update) {
      const parsed = syntaxTree(update.startState) !== syntaxTree(update.state);
      if (update.docChanged || update.viewportChanged || parsed) this.decorations = this.find(update.view);
    }

    /**
     * @param {EditorView} view
     * @returns {import('@codemirror/view').DecorationSet}
     */
    find({ state, visibleRanges }) {
      /** @type {RangeSetBuilder<Decoration>} */
      const lines = new RangeSetBuilder();
      let reached = -1;
      for (const { from, to } of visibleRanges) {
        syntaxTree(state).iterate({
          from,
          to,
          enter(node) {
            if (node.name !== 'FencedCode') return;
            const first = state.doc.lineAt(node.from).number;
            const last = state.doc.lineAt(node.to).number;
            for (let number = first; number <= last; number += 1) {
              const at = state.doc.line(number).from;
              if (at <= reached) continue;
              reached = at;
              lines.add(at, at, blockLine(number === first, number === last));
            }
          },
        });
      }
      return lines.finish();
    }
  },
  { decorations: ({ decorations }) => decorations },
);

/**
 * @param {EditorOptions} options
 * @returns {Editor}
 */
export const createEditor = (options) => createTextEditor(options).editor;

/**
 * @param {EditorOptions & { extensions?: Extension[], updated?: (update: ViewUpdate) => void, above?: number,
 *   isMarkdown?: boolean }} options
 *   `above`: pixels at the top of the window that cover the text. `isMarkdown`: Ctrl+K makes a link, and words are
 *   offered while somebody types
 * @returns {{ editor: Editor, view: EditorView }}
 */
export function createTextEditor({
  parent,
  doc,
  awareness,
  readOnly,
  language,
  extensions = [],
  updated,
  above = HEADER,
  isMarkdown = false,
}) {
  const text = textOf(doc);
  const settings = new TextSettings(highlighter, isMarkdown);
  const access = new Compartment();
  const accessOf = (/** @type {boolean} */ only) => [
    EditorState.readOnly.of(only),
    EditorView.contentAttributes.of({
      'aria-label': only ? 'Document text, view only' : 'Document text',
      ...(only ? { 'aria-readonly': 'true' } : isMarkdown ? { 'data-takes-links': '' } : {}),
    }),
  ];
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text.toString(),
      extensions: [
        access.of(accessOf(readOnly)),
        // CodeMirror takes CR LF for one character, and Yjs for two: what others write would land in the wrong place.
        EditorState.lineSeparator.of('\n'),
        EditorView.clipboardInputFilter.of((pasted) => pasted.replace(/\r\n?/g, '\n')),
        settings.extension,
        extensions,
        keymap.of([...yUndoManagerKeymap, ...markdownKeymap, ...searchKeymap, ...defaultKeymap]),
        ...(updated ? [EditorView.updateListener.of(updated)] : []),
        yCollab(text, null, { undoManager: new Y.UndoManager(text) }),
        remoteCursors(awareness, text),
        // Not markdown(): that brings the HTML, CSS and JavaScript grammars, a third of the bundle.
        markdownLanguage,
        pasteURLAsLink,
        drawSelection(),
        dropCursor(),
        search({ top: true }),
        highlightSelectionMatches(),
        placeholder('Start writing…'),
        codeBlocks,
        EditorView.scrollMargins.of((shown) => covered(shown, above)),
        EditorView.contentAttributes.of({
          spellcheck: 'true',
          autocapitalize: 'sentences',
          autocorrect: 'on',
          ...(language ? { lang: language } : {}),
        }),
      ],
    }),
  });
  settings.bring(view, keptSettings());
  /** @type {Editor} */
  const editor = {
    kind: 'markdown',
    get hasFocus() {
      return view.hasFocus;
    },
    get selection() {
      const { anchor, head } = view.state.selection.main;
      return { anchor, head };
    },
    restore({ anchor, head }) {
      const { length } = view.state.doc;
      view.dispatch({ selection: { anchor: Math.min(anchor, length), head: Math.min(head, length) } });
    },
    plain() {
      const { anchor, head } = view.state.selection.main;
      const { left, top } = view.contentDOM.getBoundingClientRect();
      const offset = top < 0 ? view.posAtCoords({ x: left + 8, y: above + 8 }) : null;
      const y = offset === null ? null : view.coordsAtPos(offset)?.top;
      return {
        text: view.state.doc.toString(),
        anchor,
        head,
        top: offset === null || y === null || y === undefined ? null : { offset, y },
      };
    },
    goTo({ anchor, head, top }) {
      const effects = top
        ? [
            EditorView.scrollIntoView(top.offset, {
              y: 'start',
              yMargin: Math.max(0, top.y - covered(view, above).top),
            }),
          ]
        : [];
      view.dispatch({ selection: { anchor, head }, effects });
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
    measure: () => view.requestMeasure(),
    configure: (given) => settings.apply(view, given),
    chosen() {
      const { from, to, empty } = view.state.selection.main;
      return empty ? null : { quote: view.state.sliceDoc(from, to), ...relativeRange(text, from, to) };
    },
    chosenBox() {
      const { head, empty } = view.state.selection.main;
      const at = empty ? null : view.coordsAtPos(head);
      return at && { top: at.top, bottom: at.bottom, right: view.contentDOM.getBoundingClientRect().right };
    },
    tint: (options) => new Tints(view, options),
    annotate: (options) => new CommentMarks(view, doc, options),
    takeFiles: (options) => new FileMarks(view, doc, options),
    setReadOnly(only) {
      if (view.state.readOnly !== only) view.dispatch({ effects: access.reconfigure(accessOf(only)) });
    },
  };
  return { editor, view };
}
