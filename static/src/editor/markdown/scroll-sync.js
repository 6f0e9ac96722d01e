/** Scrolls a preview with the text beside it, and the text with the preview. */

/** @import { EditorView } from '@codemirror/view' */
/** @import { Preview } from './preview.js' */

/** A place in a text and on the screen. @typedef {{ line: number, top: number }} Mark */

/**
 * The value of `to` where `from` has `value`, between the two marks around it.
 * @param {Mark[]} marks ascending in both
 * @param {'line' | 'top'} from
 * @param {'line' | 'top'} to
 * @param {number} value
 */
export function between(marks, from, to, value) {
  let next = marks.findIndex((mark) => mark[from] > value);
  if (next < 0) next = marks.length - 1;
  const [before, after] = [marks[Math.max(0, next - 1)], marks[next]];
  const width = after[from] - before[from];
  const part = width > 0 ? Math.max(0, Math.min(1, (value - before[from]) / width)) : 0;
  return before[to] + part * (after[to] - before[to]);
}

/**
 * Keeps what ascends in both columns. Elements within a line, and those beside each other, do not count.
 * @param {Mark[]} marks
 */
export const ascending = (marks) =>
  marks.reduce((/** @type {Mark[]} */ kept, mark) => {
    const last = kept.at(-1);
    if (!last || (mark.line > last.line && mark.top >= last.top)) kept.push(mark);
    return kept;
  }, []);

/**
 * The last index at which something holds, where it holds up to one and not behind it. -1: it holds nowhere.
 * @template T
 * @param {T[]} list
 * @param {(each: T) => boolean} holds
 */
export function lastWhere(list, holds) {
  let [low, high] = [-1, list.length - 1];
  while (low < high) {
    const middle = low + Math.ceil((high - low) / 2);
    if (holds(list[middle])) low = middle;
    else high = middle - 1;
  }
  return low;
}

export class ScrollSync {
  /**
   * @param {EditorView} view its page scrolls with the window
   * @param {Preview} preview
   */
  constructor(view, preview) {
    this.view = view;
    this.preview = preview;
    /** The side that somebody scrolls. Scrolling the other one is only an answer. */
    this.driver = /** @type {'text' | 'preview'} */ ('text');
    this.isOn = false;
    this.ending = new AbortController();
    const options = { signal: this.ending.signal, passive: true };
    for (const kind of ['wheel', 'pointerdown', 'touchstart', 'keydown', 'focusin']) {
      preview.element.addEventListener(kind, () => this.drive('preview'), options);
      view.dom.addEventListener(kind, () => this.drive('text'), options);
    }
    preview.element.addEventListener('scroll', () => this.driver === 'preview' && this.followPreview(), options);
    addEventListener('scroll', () => this.driver === 'text' && this.followText(), options);
  }

  /** @param {'text' | 'preview'} side */
  drive(side) {
    this.driver = side;
  }

  /** @param {boolean} isOn */
  turn(isOn) {
    this.isOn = isOn;
    this.driver = 'text';
    if (isOn) this.followText();
  }

  /** Where the text that is read begins, in pixels of the window. */
  get edge() {
    return this.preview.element.getBoundingClientRect().top;
  }

  /**
   * The marks of a block and of the beginning of the next one. Only these are measured: a long text has very many.
   * @param {number} index of the block; -1: what is above the first one
   * @returns {Mark[]} tops are those of the preview's content
   */
  marksOf(index) {
    const { element, blocks } = this.preview;
    const markOf = (/** @type {number} */ line, /** @type {Element} */ each) => ({ line, top: this.topOf(each) });
    const block = blocks[index];
    const next = blocks[index + 1];
    const inner = block ? [...block.element.querySelectorAll('[data-line]')] : [];
    return ascending([
      block ? markOf(block.line, block.element) : { line: 0, top: 0 },
      ...inner.map((each) => markOf(block.line + Number(each.getAttribute('data-line')), each)),
      next ? markOf(next.line, next.element) : { line: this.view.state.doc.lines, top: element.scrollHeight },
    ]);
  }

  /** @param {Element} each */
  topOf(each) {
    const { element } = this.preview;
    return each.getBoundingClientRect().top - element.getBoundingClientRect().top + element.scrollTop;
  }

  followText() {
    if (!this.isOn) return;
    const { view, preview } = this;
    const height = this.edge - view.documentTop;
    const block = view.lineBlockAtHeight(height);
    const line = view.state.doc.lineAt(block.from).number - 1;
    const part = block.height > 0 ? Math.max(0, Math.min(1, (height - block.top) / block.height)) : 0;
    const place = height <= 0 ? 0 : line + part;
    const index = lastWhere(preview.blocks, (each) => each.line <= place);
    preview.element.scrollTop = height <= 0 ? 0 : between(this.marksOf(index), 'line', 'top', place);
  }

  followPreview() {
    if (!this.isOn) return;
    const { view, preview } = this;
    const { scrollTop } = preview.element;
    const index = lastWhere(preview.blocks, ({ element }) => this.topOf(element) <= scrollTop);
    const line = between(this.marksOf(index), 'top', 'line', scrollTop);
    const { doc } = view.state;
    const block = view.lineBlockAt(doc.line(Math.min(doc.lines, Math.floor(line) + 1)).from);
    const top = view.documentTop + scrollY + block.top + (line % 1) * block.height - this.edge;
    scrollTo({ top: scrollTop <= 0 ? 0 : top, behavior: 'instant' });
  }

  destroy() {
    this.ending.abort();
  }
}
