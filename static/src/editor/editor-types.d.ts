/** What the page needs of an editor, whatever it edits. */
import type { Attachment } from '../lib/attachment-types.js';
import type { TintOptions, Tints } from './blame-tints.js';

/**
 * A text that something is about. `key`: of the thread or suggestion. `kind`: how it is shown. `from`, `to`: in the
 * editor. `inserted`: the text that a suggestion puts behind it. `deleted`: one that it takes away there.
 */
export interface Place {
  key: string;
  kind: 'comment' | 'draft' | 'suggestion' | 'typed';
  from: number;
  to: number;
  inserted?: string;
  deleted?: string;
}

/** A place as the server tells it: relative positions in base64url. */
export interface Anchored {
  key: string;
  kind: Place['kind'];
  start: string;
  end: string;
  inserted?: string;
}

/**
 * `chosen` is called when a marked text is clicked; the shortest one comes first. `changed`: when text, selection or places
 * have changed. `comment`: for the shortcut of a new comment. `step`: for those of the next and the previous thread.
 */
export interface MarkOptions {
  chosen: (keys: string[]) => void;
  changed: () => void;
  comment: () => boolean;
  step: (step: 1 | -1) => boolean;
}

/** The texts in an editor that comments and suggestions are about. They follow its changes. */
export interface TextMarks {
  readonly places: Place[];
  /** Marks other texts. A text that is gone has no mark. `others`: places that are known as offsets. */
  show(anchored: Anchored[], others?: Place[]): void;
  /** `key`: '' for none. */
  activate(key: string): void;
  placeOf(key: string): Place | undefined;
  /** The distance of a marked text from the top of the page's content; null where there is none. */
  topOf(key: string): number | null;
  scrollTo(key: string): void;
}

/**
 * `take`: returns whether it has taken what was pasted or dropped at an offset. `draw`: shows a file in an element, and
 * returns what ends that.
 */
export interface FileOptions {
  take: (data: DataTransfer, at: number, how: 'paste' | 'drop') => boolean;
  draw: (key: object, element: HTMLElement) => () => void;
}

/** Files in an editor: takes those that are pasted and dropped, and shows where they will be once they are uploaded. */
export interface EditorFiles {
  /** Where a file goes that somebody inserts. */
  readonly caret: number;
  show(files: { key: object; at: number }[]): void;
  /** The position behind the character before an offset, and back. null: it is gone. */
  positionAt(at: number): string;
  offsetOf(position: string): number | null;
  /** Writes a file into the text; `select`: puts the caret behind it. Returns where it ends; null: there is no such place. */
  insert(attachment: Attachment, at: number, how: { ownLine: boolean; select: boolean }): number | null;
}

/** A selected text: what it says, and where it is. */
export interface Chosen {
  quote: string;
  relative_start: string;
  relative_end: string;
}

/**
 * What an editor shows, as plain text, with the places of its selection. `top`: of the first text that can be seen, where
 * the page is scrolled: its offset, and pixels from the top of the window.
 */
export interface PlainText {
  text: string;
  anchor: number;
  head: number;
  top: { offset: number; y: number } | null;
}

export interface Editor {
  /** `foreign`: rich text with parts that the editor does not know. It is only shown. */
  readonly kind: 'markdown' | 'rich' | 'foreign';
  readonly hasFocus: boolean;
  /** The selection, for `restore` of the editor that takes the place of this one. */
  readonly selection: { anchor: number; head: number };
  restore(selection: { anchor: number; head: number }): void;
  /** The same for an editor of another kind: what is shown, and going to places in it. null: the editor has ended. */
  plain?(): PlainText | null;
  goTo?(places: Omit<PlainText, 'text'>): void;
  focus(): void;
  destroy(): void;
  setReadOnly(readOnly: boolean): void;
  /** To be called when the room for the text has changed. */
  measure(): void;
  /** Follows changed settings of the person. */
  configure?(settings: import('../lib/editor-settings.js').EditorSettings): void;
  /** null: nothing is selected. */
  chosen(): Chosen | null;
  /** Where the selection ends: on the screen, in pixels. `right`: the edge of the text. */
  chosenBox(): { top: number; bottom: number; right: number } | null;
  annotate?(options: MarkOptions): TextMarks;
  takeFiles?(options: FileOptions): EditorFiles;
  /** Tints by author; only of Markdown. */
  tint?(options: TintOptions): Tints;
}

export interface EditorOptions {
  parent: HTMLElement;
  doc: import('yjs').Doc;
  awareness: import('y-protocols/awareness').Awareness;
  readOnly: boolean;
  /** Of the text, for spelling and reading aloud. */
  language?: string | null;
}
