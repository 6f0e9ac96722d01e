/** The files of the open document: what is listed, what is on its way, and what gets into the text. */
import { effect, signal } from '@preact/signals';
import { copied, formDialog } from '../components/dialog.js';
import { toast, tryTo } from '../components/toast.js';
import * as api from '../lib/attachments-api.js';
import { isMarkdown, mayEdit } from '../lib/document-types.js';
import { $, h, setText } from '../lib/dom.js';
import { meansFiles, nameOfPasted } from '../lib/file-words.js';
import { counted } from '../lib/format.js';
import { memory } from '../lib/identity.js';
import { AttachmentStore } from '../stores/attachments.js';
import { Uploads } from '../stores/uploads.js';
import { filesIn, watchDrags } from './file-drags.js';
import { FilePlaces } from './file-places.js';
import { edited } from './session-state.js';

/** @import { Items } from '../components/menu.js' */
/** @import { Attachment } from '../lib/attachment-types.js' */
/** @import { ChangeEvent, CurrentUser } from '../lib/types.js' */
/** @import { Upload } from '../stores/uploads.js' */
/** @import { Session } from './session.js' */

const AS_THEY_ARE = 'pictures-as-they-are';
const narrow = matchMedia('(max-width: 800px)');
const percent = new Intl.NumberFormat('en', { style: 'percent' });
const announce = (/** @type {string} */ text) => setText($('announcer'), text);

/** @param {Upload} upload how much of it has left */
export const share = ({ sent, file }) => percent.format(file.size > 0 ? sent.value / file.size : 0);

export class Files {
  /**
   * @param {Session} session
   * @param {CurrentUser | null} who an account; null for everybody else
   */
  constructor(session, who) {
    const { details } = session;
    if (!details) throw new Error('the document is not known yet');
    this.session = session;
    this.who = who;
    this.store = new AttachmentStore({ document: details.id });
    /** Whether pictures lose what they say about place and camera. */
    this.clean = signal(memory.get(AS_THEY_ARE) === null);
    this.mayEdit = signal(mayEdit(details));
    this.isOpen = signal(false);
    this.before = /** @type {Element | null} */ (null);
    this.uploads = new Uploads({
      document: details.id,
      clean: () => this.clean.value,
      done: (upload, attachment) => this.uploaded(upload, attachment),
      refused: (upload) => this.refused(upload),
    });
    this.places = new FilePlaces(session, {
      take: (data, at, how) => this.take(data, at, how),
      draw: (key, element) => this.drawComing(/** @type {Upload} */ (key), element),
    });
    this.bind();
  }

  bind() {
    const { session, store } = this;
    session.addEventListener('details', () => {
      // A socket may know of a lost right before the details do.
      this.mayEdit.value = session.details !== null && mayEdit(session.details) && !session.status.readOnly;
    });
    session.addEventListener('live', (event) => {
      const change = /** @type {CustomEvent<ChangeEvent | null>} */ (event).detail;
      if (change) store.apply(change);
      else store.resync();
    });
    watchDrags({
      mayDrop: () => this.mayEdit.value,
      intoText: () => this.intoText,
      drop: (data) => {
        this.open();
        this.takeIntoPanel(data);
      },
    });
    const ask = (/** @type {BeforeUnloadEvent} */ event) => event.preventDefault();
    effect(() => {
      if (this.uploads.isBusy.value) addEventListener('beforeunload', ask);
      else removeEventListener('beforeunload', ask);
    });
  }

  /** Whether links to files have a meaning in the text. */
  get intoText() {
    const { details } = this.session;
    return details !== null && isMarkdown(details) && !edited(this.session).readOnly;
  }

  // ---- new files

  /** @param {DataTransfer} data */
  readable(data) {
    const { files, folders } = filesIn(data);
    if (folders > 0) toast('Folders cannot be added. Choose the files in them.');
    return files;
  }

  /**
   * Takes files that were pasted or dropped in the editor.
   * @param {DataTransfer} data
   * @param {number} at
   * @param {'paste' | 'drop'} how
   */
  take(data, at, how) {
    if (!this.mayEdit.value || data.files.length === 0) return false;
    const names = [...data.files].map(({ name }) => name);
    if (how === 'paste' && !meansFiles(names, data.getData('text/plain'))) return false;
    const now = new Date();
    const uploads = this.add(this.readable(data), (name) => (how === 'paste' ? nameOfPasted(name, now) : name));
    if (this.intoText) this.places.add(uploads, at);
    else this.open();
    return true;
  }

  /** @param {DataTransfer} data */
  takeIntoPanel(data) {
    const now = new Date();
    if (this.mayEdit.value) this.add(this.readable(data), (name) => nameOfPasted(name, now));
  }

  /**
   * @param {File[]} files
   * @param {(name: string) => string} [nameOf]
   */
  add(files, nameOf = (name) => name) {
    if (files.length === 0) return [];
    announce(`${counted(files.length, 'file')} on the way`);
    return this.uploads.add(files.map((file) => ({ file, name: nameOf(file.name) })));
  }

  /**
   * @param {Upload} upload
   * @param {Attachment} attachment
   */
  uploaded(upload, attachment) {
    this.store.put(attachment);
    const wasPlaced = this.places.places.has(upload);
    if (wasPlaced && !this.places.fill(upload, attachment)) {
      toast(`“${attachment.file_name}” is among the files. Its place in the text is gone.`, this.showButton());
    } else announce(`“${attachment.file_name}” was added`);
  }

  /** @param {Upload} upload */
  refused(upload) {
    const text = `“${upload.name}” was not uploaded. ${upload.problem.value}`;
    if (this.isOpen.value) announce(text);
    else toast(text, this.showButton());
  }

  showButton() {
    return this.isOpen.value ? undefined : { verb: 'Show', act: () => this.open() };
  }

  /** @param {Upload} upload */
  cancel(upload) {
    this.uploads.cancel(upload);
    this.places.forget(upload);
    announce(`“${upload.name}” was cancelled`);
  }

  /**
   * Shows an upload at its place in the text.
   * @param {Upload} upload
   * @param {HTMLElement} element
   */
  drawComing(upload, element) {
    element.addEventListener('click', () => this.open());
    return effect(() => {
      const isRefused = upload.state.value === 'refused';
      element.toggleAttribute('data-refused', isRefused);
      setText(element, isRefused ? `${upload.name} was not uploaded` : `${upload.name} ${share(upload)}`);
    });
  }

  /** @param {boolean} on */
  cleanPictures(on) {
    memory.set(AS_THEY_ARE, on ? null : 'yes');
    this.clean.value = on;
  }

  // ---- files that are there

  /** @param {Attachment} attachment */
  insert(attachment) {
    if (this.places.insert(attachment, undefined, { select: true }) === null) return;
    if (narrow.matches) this.close();
    this.session.editor?.focus();
    announce(`“${attachment.file_name}” is in the text`);
  }

  /**
   * @param {Attachment} attachment
   * @returns {Items}
   */
  itemsOf(attachment) {
    const { url } = attachment;
    const edits = this.mayEdit.value;
    return [
      edits && this.intoText && { label: 'Insert into the text', icon: 'insert', act: () => this.insert(attachment) },
      {
        label: 'Download',
        icon: 'download',
        // Not by an address in the menu: a page that is busy would ask whether it may be left.
        act: () => this.download(attachment),
      },
      {
        label: 'Copy link',
        icon: 'link',
        act: async () => toast((await copied(location.origin + url)) ? 'Link copied.' : 'The browser refused to copy.'),
      },
      edits && { label: 'Rename…', icon: 'pencil', act: () => this.rename(attachment) },
      edits && 'line',
      edits && { label: 'Delete', icon: 'trash', danger: true, act: () => this.remove(attachment) },
    ];
  }

  /**
   * An address that a browser can follow, which tells nothing of the link by which the person came.
   * @param {Attachment} attachment
   */
  async addressOf({ id, url }) {
    if (!this.session.link) return url;
    return (await tryTo(() => api.attachment(id)))?.signed_url ?? url;
  }

  /** @param {Attachment} attachment */
  async show(attachment) {
    open(await this.addressOf(attachment), '_blank', 'noopener');
  }

  /** @param {Attachment} attachment */
  async download(attachment) {
    const href = await this.addressOf(attachment);
    h('a', { href: `${href}${href.includes('?') ? '&' : '?'}download=true`, download: attachment.file_name }).click();
  }

  /** @param {Attachment} attachment */
  rename({ id, file_name: value }) {
    return formDialog({
      title: 'Rename file',
      fields: [{ name: 'name', label: 'Name', value, required: true, maxlength: 500, autocomplete: 'off' }],
      verb: 'Rename',
      act: async ({ name }) => this.store.put(await api.renameAttachment(id, name)),
    });
  }

  /** @param {Attachment} attachment */
  async remove({ id, file_name: name }) {
    if (!(await tryTo(() => api.deleteAttachment(id).then(() => true)))) return;
    this.store.drop(id);
    toast(`“${name}” was deleted.`, {
      verb: 'Undo',
      act: async () => {
        const back = await tryTo(() => api.restoreAttachment(id));
        if (back) this.store.put(back);
      },
    });
  }

  // ---- panel

  open() {
    if (this.isOpen.value) return;
    this.before = document.activeElement;
    this.isOpen.value = true;
    this.store.load();
  }

  close() {
    this.isOpen.value = false;
    if (this.before instanceof HTMLElement && this.before.isConnected) this.before.focus();
  }

  toggle() {
    if (this.isOpen.value) this.close();
    else this.open();
  }
}
