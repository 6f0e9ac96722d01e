/** What a person can do with the versions of a document. */
import * as api from '../lib/api.js';
import { mayDelete, mayEdit } from '../lib/document-types.js';
import { $, setText } from '../lib/dom.js';
import { versionName } from '../lib/history-words.js';
import { endOf } from '../lib/moments.js';
import { confirmDialog, copied, formDialog } from './dialog.js';
import { toast, tryTo } from './toast.js';

/** @import { ContentPoint } from '../lib/moments.js' */
/** @import { Doc, Version } from '../lib/types.js' */
/** @import { Entry, HistoryStore } from '../stores/history.js' */
/** @import { Items } from './menu.js' */

/**
 * @param {string} title
 * @param {string} value
 * @param {(label: string) => unknown} act
 */
const nameDialog = (title, value, act) =>
  formDialog({
    title,
    intro: 'A version with a name is always kept.',
    fields: [{ name: 'label', label: 'Name', value, required: true, maxlength: 200, autocomplete: 'off' }],
    verb: 'Save',
    act: ({ label }) => act(label),
  });

export class HistoryActions {
  /**
   * @param {object} options
   * @param {() => Doc} options.doc
   * @param {HistoryStore} options.store
   * @param {(text: string) => void} options.say shows and announces what was done
   * @param {() => void} options.back shows the present document again
   */
  constructor({ doc, store, say, back }) {
    this.doc = doc;
    this.store = store;
    this.say = say;
    this.back = back;
  }

  get mayEdit() {
    return mayEdit(this.doc());
  }

  /** Keeps the present document as a version with a name. */
  async nameNow() {
    /** @type {Version | null} */
    const made = await nameDialog('Name this version', '', (label) => api.createVersion(this.doc().id, { label }));
    if (!made) return;
    await this.store.load();
    this.say(`“${versionName(made)}” was saved as version ${made.number}.`);
  }

  /** @param {Version} version */
  async rename(version) {
    const title = version.label ? 'Rename version' : `Name version ${version.number}`;
    const changed = await nameDialog(title, version.label ?? '', (label) => this.change(version, { label }));
    if (changed) this.say(`Version ${version.number} is called “${changed.label}” now.`);
  }

  /** @param {Version} version */
  async togglePin(version) {
    const changed = await tryTo(() => this.change(version, { pinned: !version.pinned }));
    if (changed)
      this.say(`${versionName(changed)} is ${changed.pinned ? 'pinned. It is always kept' : 'no longer pinned'}.`);
  }

  /**
   * @param {Version} version
   * @param {object} change
   */
  async change(version, change) {
    const changed = await api.changeVersion(this.doc().id, version.number, change);
    this.store.versions.replace(changed);
    return changed;
  }

  /** @param {Version} version */
  async restore(version) {
    /** @type {{ answer?: { changed: boolean, version: number } }} */
    const done = {};
    await confirmDialog({
      title: `Restore “${versionName(version)}”?`,
      text: 'The document gets the text of this version, for everybody. The present text is kept as a version, so you can go back to it. The title stays.',
      verb: 'Restore',
      danger: false,
      act: async () => {
        done.answer = await api.restoreVersion(this.doc().id, version.number);
      },
    });
    if (!done.answer) return;
    const { changed, version: kept } = done.answer;
    this.back();
    await this.store.load();
    this.say(
      changed
        ? `Version ${version.number} was restored. The text before is version ${kept}.`
        : 'The document has this text already.',
    );
  }

  /** @param {Version} version */
  async delete(version) {
    const name = versionName(version);
    const done = await confirmDialog({
      title: `Delete “${name}”?`,
      text: 'The version is deleted. The document and the rest of its history stay.',
      verb: 'Delete version',
      act: () => api.deleteVersion(this.doc().id, version.number),
    });
    if (!done) return;
    this.store.versions.remove(`v${version.number}`);
    this.say(`“${name}” was deleted.`);
  }

  /** @param {ContentPoint} point */
  async copy(point) {
    const text = await tryTo(() => api.contentAt(this.doc().id, point, 'markdown'));
    if (text === undefined) return;
    if (await copied(text)) this.say('The text was copied.');
    else toast('The browser refused to copy.');
  }

  /**
   * The items of an entry's menu.
   * @param {Entry} entry
   * @param {ContentPoint} [point] whose text is copied
   * @returns {Items}
   */
  items(entry, point = endOf(entry).point) {
    /** @type {Items} */
    const copy = [{ label: 'Copy text', icon: 'copy', act: () => this.copy(point) }];
    if (!('version' in entry)) return copy;
    const { version } = entry;
    const edits = this.mayEdit;
    const deletes = mayDelete(this.doc());
    return [
      edits && { label: 'Restore…', icon: 'restore', act: () => this.restore(version) },
      edits && { label: version.label ? 'Rename…' : 'Name…', icon: 'pencil', act: () => this.rename(version) },
      edits && { label: version.pinned ? 'Unpin' : 'Pin', icon: 'pin', act: () => this.togglePin(version) },
      ...copy,
      deletes && 'line',
      deletes && { label: 'Delete…', icon: 'trash', danger: true, act: () => this.delete(version) },
    ];
  }
}

/**
 * Tells a screen reader what was done.
 * @param {string} text
 */
export const announce = (text) => setText($('announcer'), text);
