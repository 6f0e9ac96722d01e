/** The editor of rich text: Tiptap on the nodes of a document. Loaded on demand. */
import { Editor as Tiptap } from '@tiptap/core';
import { Collaboration } from '@tiptap/extension-collaboration';
import { TextSelection } from '@tiptap/pm/state';
import { initProseMirrorDoc } from '@tiptap/y-tiptap';
import { outline } from '../../components/outline.js';
import { h } from '../../lib/dom.js';
import { fragmentOf } from '../content.js';
import { CODE_BLOCK, HEADINGS, LISTS, QUOTE, RULE, TABLE, TEXT } from './actions.js';
import { BLOCKS } from './blocks/block-actions.js';
import { calloutView } from './blocks/callout-view.js';
import { codeBlock } from './blocks/code-block-view.js';
import { footnoteDefinition, footnoteReference } from './blocks/footnote-views.js';
import { changeFormula, formulaView } from './blocks/formula-view.js';
import { describe } from './blocks/picture-dialog.js';
import { pictureView } from './blocks/picture-view.js';
import { ToggleKeys, toggleView } from './blocks/toggle-view.js';
import { bubble } from './bubble.js';
import { finder } from './find/find.js';
import { foreignText } from './foreign-text.js';
import { pasteMarkdown, pasteOffice } from './paste/paste.js';
import { pickPicture, pictureAddress } from './pictures.js';
import { plainOf, positionAt } from './positions.js';
import { remoteCursors } from './rich-cursors.js';
import { nodesAndMarks, schema } from './schema.js';
import { slashMenu } from './slash.js';
import * as strange from './strange.js';
import { toolbar } from './toolbar.js';
import { openLink, writeBelow } from './tools/clicks.js';
import { dateActions } from './tools/dates.js';
import { MoveKeys, dragHandle } from './tools/drag-handle.js';
import { focusMode } from './tools/focus-mode.js';
import { headingsOf } from './tools/headings.js';
import { linkDialog } from './tools/link-dialog.js';
import { hints, pageKeys } from './tools/page-keys.js';
import { RichFiles } from './tools/rich-files.js';
import { RichMarks } from './tools/rich-marks.js';

/** @import { Doc, Transaction } from 'yjs' */
/** @import { Editor, EditorFiles, EditorOptions } from '../editor-types.js' */
/** @import { Session } from '../session.js' */

/** Pixels of the bars that cover the text at the top of the window. */
const SEEN_FROM = 150;
/**
 * `createText`: makes the editor of Markdown, for what this one does not know. `strange`: something has come into the
 * document that the editor does not know; it has ended itself.
 * @typedef {EditorOptions & { session: Session, createText: (options: EditorOptions) => Editor, strange: () => void }} Options
 */

/**
 * What of a document the editor does not know. null: it knows all of it.
 * @param {Doc} doc
 */
export const strangeIn = (doc) => strange.strangeIn(schema, fragmentOf(doc));

/**
 * @param {Options} options
 * @returns {Editor}
 */
export function createRichEditor(options) {
  const unknown = strangeIn(options.doc);
  return unknown === null ? richEditor(options) : foreignText(options, unknown);
}

/**
 * @param {Options} options
 * @returns {Editor}
 */
function richEditor({ parent, doc, awareness, readOnly, language, session, strange: leave }) {
  const fragment = fragmentOf(doc);
  const root = h('div', { class: 'rich' });
  parent.append(root);
  /** @type {EditorFiles | null} */
  let files = null;
  const labelOf = (/** @type {boolean} */ only) => ({
    'aria-label': only ? 'Document text, view only' : 'Document text',
    'aria-readonly': String(only),
  });
  let isReadOnly = readOnly;
  /** @type {Map<import('yjs').AbstractType<any>, any>} */
  const mapping = new Map();
  const editor = new Tiptap({
    element: root,
    // Otherwise the binding would draw an empty document first, and then all of it.
    onBeforeCreate: ({ editor: { schema: own, options } }) => {
      if (fragment.length === 0) return;
      const initial = initProseMirrorDoc(fragment, own);
      for (const [type, node] of initial.mapping) mapping.set(type, node);
      options.content = /** @type {any} */ (initial.doc);
    },
    editable: !readOnly,
    injectCSS: false,
    extensions: [
      ...nodesAndMarks({
        codeBlock,
        image: pictureView((src) => pictureAddress(session, src)),
        callout: calloutView,
        toggle: toggleView,
        formula: formulaView,
        footnoteReference,
        footnoteDefinition,
      }),
      ToggleKeys,
      MoveKeys,
      Collaboration.configure({ fragment, ySyncOptions: { mapping } }),
      remoteCursors(awareness),
      hints,
      pageKeys({
        addLink: () => addLink(),
        find: () => find.open(),
        toTools: () => tools.focus(),
        changes: () => editor.isEditable && changeFormula(editor),
        dismiss: () => box.dismiss() || focus.leave(),
        focus: () => focus.toggle(),
      }),
    ],
    editorProps: {
      attributes: () => ({
        class: 'rich-text',
        role: 'textbox',
        'aria-multiline': 'true',
        spellcheck: 'true',
        autocapitalize: 'sentences',
        ...labelOf(isReadOnly),
        ...(isReadOnly ? {} : { 'data-takes-links': '' }),
        ...(language ? { lang: language } : {}),
      }),
      handlePaste: (view, event) => pasteMarkdown(view, event),
      handleDOMEvents: { paste: pasteOffice },
      handleClick: (view, _at, event) => openLink(event, isReadOnly) || (!isReadOnly && writeBelow(view, event)),
      scrollMargin: { top: 150, bottom: 80, left: 0, right: 0 },
      scrollThreshold: { top: 150, bottom: 80, left: 0, right: 0 },
    },
  });
  const addLink = () => {
    if (editor.isEditable) linkDialog(editor);
  };
  const addPicture = () => {
    if (!describe(editor)) pickPicture((data) => takeFiles?.(data, editor.state.selection.head));
  };
  /** @type {((data: DataTransfer, at: number) => void) | null} */
  let takeFiles = null;
  const find = finder(editor);
  const contents = outline({ sheet: parent, headings: () => headingsOf(editor) });
  const tools = toolbar(editor, {
    addPicture,
    addLink,
    find: find.open,
    contents: contents.open,
    focus: () => focus.toggle(),
  });
  const handle = dragHandle(editor, root);
  const focus = focusMode(editor);
  const box = bubble(editor, { addLink });
  const slash = slashMenu(editor, [
    TEXT,
    ...HEADINGS,
    ...LISTS,
    TABLE,
    {
      label: 'Picture',
      icon: 'picture',
      note: 'From this device',
      words: 'image photo upload',
      act: addPicture,
    },
    CODE_BLOCK,
    QUOTE,
    ...BLOCKS,
    RULE,
    ...dateActions(language),
    { label: 'Link', icon: 'link', note: 'To a page or a mailbox', words: 'url address', act: addLink },
  ]);
  root.prepend(tools.element, find.element);

  const show = () => {
    tools.show();
    box.show();
  };
  editor.on('transaction', ({ transaction }) => {
    show();
    if (transaction.docChanged) contents.change();
    const isOwn = transaction.docChanged && !transaction.getMeta('y-sync$');
    if (transaction.docChanged || transaction.selectionSet) slash.show(isOwn);
  });
  const reflect = () => {
    tools.element.hidden = isReadOnly;
    root.toggleAttribute('data-read-only', isReadOnly);
    show();
  };
  reflect();
  contents.draw();

  /**
   * Ends the editor before the binding sees what it would delete.
   * @param {Transaction} transaction
   */
  const guard = (transaction) => {
    if (transaction.local || editor.isDestroyed) return;
    const isStrange = [...transaction.changed.keys()].some(
      (type) => isWithin(type, fragment) && strange.strangeIn(schema, /** @type {any} */ (type)),
    );
    if (!isStrange) return;
    destroy();
    leave();
  };
  doc.on('beforeObserverCalls', guard);

  const destroy = () => {
    doc.off('beforeObserverCalls', guard);
    slash.destroy();
    contents.destroy();
    handle.destroy();
    focus.destroy();
    box.destroy();
    editor.destroy();
    root.remove();
  };

  return {
    kind: 'rich',
    get hasFocus() {
      return !editor.isDestroyed && editor.view.hasFocus();
    },
    get selection() {
      const { anchor, head } = editor.state.selection;
      return { anchor, head };
    },
    restore({ anchor, head }) {
      const { size } = editor.state.doc.content;
      const [from, to] = [anchor, head].map((each) => editor.state.doc.resolve(Math.min(each, size)));
      editor.view.dispatch(editor.state.tr.setSelection(TextSelection.between(from, to)));
    },
    plain() {
      if (editor.isDestroyed) return null;
      const { doc: nodes, selection } = editor.state;
      const { text, offsetAt } = plainOf(nodes);
      const { left, top } = editor.view.dom.getBoundingClientRect();
      const at = top < 0 ? editor.view.posAtCoords({ left: left + 8, top: SEEN_FROM }) : null;
      return {
        text,
        anchor: offsetAt(selection.anchor),
        head: offsetAt(selection.head),
        top: at && { offset: offsetAt(at.pos), y: editor.view.coordsAtPos(at.pos).top },
      };
    },
    goTo({ anchor, head, top }) {
      const plain = plainOf(editor.state.doc);
      const [from, to] = [anchor, head].map((each) => editor.state.doc.resolve(plain.positionAt(each)));
      editor.view.dispatch(editor.state.tr.setSelection(TextSelection.between(from, to)));
      if (top) scrollBy(0, editor.view.coordsAtPos(plain.positionAt(top.offset)).top - top.y);
    },
    // Tiptap's own command waits for a frame: keys before it would be lost.
    focus: () => editor.view.focus(),
    destroy: () => {
      if (!editor.isDestroyed) destroy();
    },
    setReadOnly(only) {
      if (only === isReadOnly || editor.isDestroyed) return;
      isReadOnly = only;
      editor.setEditable(!only, false);
      reflect();
    },
    measure: () => {
      show();
      contents.place();
    },
    chosen() {
      const { from, to, empty } = editor.state.selection;
      if (empty || !editor.state.doc.textBetween(from, to).trim()) return null;
      return {
        quote: editor.state.doc.textBetween(from, to, '\n'),
        relative_start: positionAt(editor.state, from, 0),
        relative_end: positionAt(editor.state, to, -1),
      };
    },
    chosenBox() {
      const { selection, doc: nodes } = editor.state;
      if (selection.empty || !nodes.textBetween(selection.from, selection.to).trim()) return null;
      const { top, bottom } = editor.view.coordsAtPos(selection.head);
      return { top, bottom, right: editor.view.dom.getBoundingClientRect().right };
    },
    annotate: (given) => new RichMarks(editor, given),
    takeFiles(given) {
      takeFiles = (data, at) => given.take(data, at, 'drop');
      files = new RichFiles(editor, given);
      return files;
    },
  };
}

/**
 * @param {any} type
 * @param {import('yjs').XmlFragment} fragment
 */
function isWithin(type, fragment) {
  for (let each = type; each; each = each._item?.parent) if (each === fragment) return true;
  return false;
}
