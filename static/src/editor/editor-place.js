/** Puts the editor into the page that suits what the document holds, and another one where that changes. */
import { bring } from '../lib/bring.js';
import { isMarkdown } from '../lib/document-types.js';
import { memory } from '../lib/identity.js';
import { isEmpty, kindOf as kindIn } from './content.js';
import { samePlace } from './same-place.js';
import { edited, kindOf, until } from './session-state.js';
import { createMarkdownEditor } from './markdown/markdown-editor.js';
import { createEditor } from './text-editor.js';

/** @import { Session } from './session.js' */

/** @import { Editor, PlainText } from './editor-types.js' */

/** Milliseconds until a document that does not arrive can be written on nevertheless. */
const WAIT = 4000;
const NO_LINK = new Set(['down', 'ended']);

/**
 * Goes to the places of another editor's text.
 * @param {Editor} editor
 * @param {PlainText} plain
 * @param {string} text of the editor
 */
function goToSame(editor, { text: former, anchor, head, top }, text) {
  const find = (/** @type {number} */ offset) => samePlace(former, offset, text);
  editor.goTo?.({ anchor: find(anchor), head: find(head), top: top && { offset: find(top.offset), y: top.y } });
}

export class EditorPlace {
  /**
   * @param {Session} session
   * @param {HTMLElement} parent
   */
  constructor(session, parent) {
    this.session = session;
    this.parent = parent;
    /** The editor of rich text, once it has been loaded. */
    this.rich = /** @type {typeof import('./rich/rich-editor.js') | null} */ (null);
    this.follow = this.follow.bind(this);
    session.prepare = async () => {
      if (kindIn(session.doc, session.details?.settings?.editor_mode) === 'rich') await this.load();
    };
    session.addEventListener('renewed', () => this.replace());
  }

  /** Shows the editor, once it is known which one. A document that has a text is waited for. */
  async open() {
    const { session } = this;
    if (session.details?.content_bytes && isEmpty(session.doc)) {
      const late = new Promise((resolve) => {
        setTimeout(resolve, WAIT);
      });
      await Promise.race([until(session, () => session.loaded || NO_LINK.has(session.status.link)), late]);
    }
    if (kindOf(session) === 'rich') await this.load();
    this.make();
    // What is waited for until there is an editor.
    session.dispatchEvent(new Event('status'));
  }

  async load() {
    this.rich ??= await bring(() => import('./rich/rich-editor.js'));
  }

  make() {
    const { session, parent, rich } = this;
    const options = { parent, ...edited(session), awareness: session.awareness, language: memory.get('language') };
    session.doc.on('update', this.follow);
    const isCode = session.details !== null && !isMarkdown(session.details);
    if (kindOf(session) === 'markdown')
      session.editor = isCode ? createEditor(options) : createMarkdownEditor({ ...options, session });
    else if (rich)
      session.editor = rich.createRichEditor({
        ...options,
        session,
        createText: createEditor,
        strange: () => queueMicrotask(() => this.swap()),
      });
    else {
      session.editor = createEditor({ ...options, readOnly: true });
      this.follow();
    }
  }

  /** Shows another editor, where the reader was. */
  replace() {
    const before = this.session.editor;
    if (!before) return;
    const { scrollX, scrollY } = window;
    const { hasFocus, selection } = before;
    const plain = before.plain?.();
    before.destroy();
    this.make();
    const { editor } = this.session;
    if (!editor) return;
    const now = editor.kind === before.kind ? null : editor.plain?.();
    if (!plain || !now) editor.restore(selection);
    if (hasFocus) editor.focus();
    scrollTo(scrollX, scrollY);
    if (plain && now) goToSame(editor, plain, now.text);
  }

  swap() {
    this.session.dispatchEvent(new Event('renewing'));
    this.session.dispatchEvent(new Event('renewed'));
    this.session.dispatchEvent(new Event('status'));
  }

  /** Looks whether the document is still what the editor shows; later, because an editor may be taking the edit. */
  follow() {
    queueMicrotask(async () => {
      if (this.isRight()) return;
      if (kindOf(this.session) === 'rich') await this.load();
      if (!this.isRight()) this.swap();
    });
  }

  isRight() {
    const { session, rich } = this;
    const kind = session.editor?.kind;
    const wanted = kindOf(session);
    if (kind === 'foreign' && wanted === 'rich') return rich?.strangeIn(session.doc) !== null;
    return !kind || kind === wanted;
  }
}
