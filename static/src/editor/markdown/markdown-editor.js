/** The editor of a Markdown document: the text, tools for its signs, and a preview that is loaded on demand. */
import { openSearchPanel } from '@codemirror/search';
import { EditorView, keymap } from '@codemirror/view';
import { outline } from '../../components/outline.js';
import { bring } from '../../lib/bring.js';
import { offer } from '../../lib/commands.js';
import { h } from '../../lib/dom.js';
import { covered, createTextEditor } from '../text-editor.js';
import { keys } from './actions.js';
import { headingsIn } from './headings.js';
import { markdownToolbar } from './markdown-toolbar.js';
import { chosenView, keepView, narrow, viewButtons } from './views.js';

/** @import { Editor, EditorFiles, EditorOptions } from '../editor-types.js' */
/** @import { Session } from '../session.js' */
/** @import { View } from './views.js' */

/** Pixels of the page's bar and the toolbar, which cover the text. */
const HEADER = 124;
/**
 * @param {EditorOptions & { session: Session }} options
 * @returns {Editor}
 */
export function createMarkdownEditor({ session, ...options }) {
  const { parent } = options;
  const root = h('div', { class: 'markdown' });
  parent.append(root);
  let isReadOnly = options.readOnly;
  let current = chosenView(session);
  /** @type {((data: DataTransfer, at: number) => void) | null} */
  let takeFiles = null;
  /** @type {{ preview: import('./preview.js').Preview, sync: import('./scroll-sync.js').ScrollSync } | null} */
  let beside = null;
  let isGone = false;

  const { editor, view } = createTextEditor({
    ...options,
    parent: root,
    above: HEADER,
    isMarkdown: true,
    extensions: [
      keymap.of([
        ...keys,
        {
          key: 'Alt-F10',
          run: () => {
            tools.focus();
            return true;
          },
        },
      ]),
    ],
    updated: ({ docChanged, selectionSet }) => {
      if (docChanged) contents.change();
      if (docChanged && current !== 'write') beside?.preview.change();
      if (docChanged || selectionSet) tools.show();
    },
  });

  const views = viewButtons(
    () => current,
    (wanted) => {
      keepView(session, wanted);
      change(wanted);
      if (wanted !== 'preview') view.focus();
      else {
        // Otherwise the preview would show a ring, as the text's focus is always shown.
        view.contentDOM.blur();
        beside?.preview.element.focus({ preventScroll: true });
      }
    },
  );
  const addPicture = async () => {
    const { pickPicture } = await bring(() => import('../rich/pictures.js'));
    pickPicture((data) => takeFiles?.(data, view.state.selection.main.head));
  };
  /** @param {number} index of a heading, in the preview */
  const previewed = (index) => beside?.preview.element.querySelectorAll('h1, h2, h3, h4, h5, h6')[index];
  const contents = outline({
    sheet: parent,
    headings: () =>
      headingsIn(view.state.doc.toString()).map(({ level, text, at }, index) => {
        // Others may have written above it meanwhile.
        const place = () => headingsIn(view.state.doc.toString())[index]?.at ?? view.state.doc.length;
        return {
          level,
          text,
          top: () =>
            current === 'preview'
              ? (previewed(index)?.getBoundingClientRect().top ?? Infinity)
              : view.documentTop + view.lineBlockAt(Math.min(at, view.state.doc.length)).top,
          go: () => {
            if (current === 'preview') {
              previewed(index)?.scrollIntoView({ block: 'start' });
              return;
            }
            const from = place();
            const effects = EditorView.scrollIntoView(from, {
              y: 'start',
              yMargin: HEADER + 12 - covered(view, HEADER).top,
            });
            view.dispatch({ selection: { anchor: view.state.doc.lineAt(from).to }, effects });
            view.focus();
          },
        };
      }),
  });
  const tools = markdownToolbar(view, {
    addPicture,
    contents: contents.open,
    views,
    isWriting: () => !isReadOnly && current !== 'preview',
  });
  root.prepend(tools.element);
  offer(() =>
    root.isConnected && current !== 'preview'
      ? [
          {
            label: 'Find and replace…',
            group: 'Formatting',
            icon: 'search',
            keys: ['Ctrl+F'],
            act: () => openSearchPanel(view),
          },
        ]
      : [],
  );

  // ---- the preview

  const loadPreview = async () => {
    const [{ Preview }, { ScrollSync }] = await bring(() =>
      Promise.all([import('./preview.js'), import('./scroll-sync.js')]),
    );
    if (isGone || beside) return;
    const preview = new Preview({
      session,
      read: () => view.state.doc.toString(),
      toggle: toggleTask,
      drawn: () => beside?.sync.followText(),
    });
    beside = { preview, sync: new ScrollSync(view, preview) };
    preview.setReadOnly(isReadOnly);
    root.append(preview.element);
    preview.draw();
    beside.sync.turn(current === 'split');
  };

  /**
   * @param {number} number of a line, from 0
   * @param {string} shown the line as the preview shows it
   */
  const toggleTask = (number, shown) => {
    if (isReadOnly || number >= view.state.doc.lines) return;
    const line = view.state.doc.line(number + 1);
    // Somebody has written above it at this moment: another task may be there.
    if (line.text !== shown) return;
    const found = /^(.*?(?:[-*+]|\d{1,9}[.)])\s+\[)([ xX])\]/.exec(line.text);
    if (!found) return;
    const at = line.from + found[1].length;
    view.dispatch({ changes: { from: at, to: at + 1, insert: found[2] === ' ' ? 'x' : ' ' }, userEvent: 'input.task' });
  };

  /** @param {View} wanted */
  const change = (wanted) => {
    current = wanted;
    root.dataset.view = wanted;
    document.body.dataset.view = wanted;
    tools.show();
    if (wanted !== 'write' && !beside) loadPreview();
    else if (wanted !== 'write') beside?.preview.draw();
    beside?.sync.turn(wanted === 'split');
    contents.place();
    view.requestMeasure();
    session.dispatchEvent(new Event('view'));
  };
  const follow = () => change(chosenView(session));
  narrow.addEventListener('change', follow);
  change(current);
  contents.draw();

  return {
    ...editor,
    get hasFocus() {
      return editor.hasFocus;
    },
    get selection() {
      return editor.selection;
    },
    chosen: () => (current === 'preview' ? null : editor.chosen()),
    chosenBox: () => (current === 'preview' ? null : editor.chosenBox()),
    focus: () => (current === 'preview' ? beside?.preview.element.focus({ preventScroll: true }) : editor.focus()),
    destroy() {
      isGone = true;
      contents.destroy();
      narrow.removeEventListener('change', follow);
      beside?.sync.destroy();
      beside?.preview.destroy();
      editor.destroy();
      root.remove();
      delete document.body.dataset.view;
      session.dispatchEvent(new Event('view'));
    },
    setReadOnly(only) {
      if (isReadOnly !== only) {
        isReadOnly = only;
        beside?.preview.setReadOnly(only);
        tools.show();
      }
      editor.setReadOnly(only);
    },
    takeFiles(given) {
      takeFiles = (data, at) => given.take(data, at, 'drop');
      return /** @type {EditorFiles} */ (editor.takeFiles?.(given));
    },
  };
}
