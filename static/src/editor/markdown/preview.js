/** What a Markdown text looks like. Loaded on demand. A block is drawn again when it has changed. */
import { h } from '../../lib/dom.js';
import { drawFormula } from '../rich/blocks/draw-formula.js';
import { pictureAddress } from '../rich/pictures.js';

/** @import { Session } from '../session.js' */
/** @import { Change } from './preview-worker.js' */

/** Milliseconds from a change until it is drawn. */
const SOONEST = 40;
const AT_REST = 700;
/** Blocks from which on the browser needs longer for a change than there is between two keys. */
const LONG = 2000;
/** Blocks that are made between two frames. */
const AT_ONCE = 200;
/** Blocks of a part of the preview at most. */
const MOST = 128;
/** Blocks from which on those out of sight are not laid out. */
const LARGE = 400;
/** Frames in which a heading is scrolled to: blocks become higher when they come into sight. */
const FRAMES = 4;
const LONGEST_ANCHOR = 80;
const NOT_IN_ANCHORS = /[^\p{L}\p{N}_\- ]+/gu;

/** @typedef {{ line: number, element: HTMLElement }} Drawn */

const frame = () => new Promise((done) => requestAnimationFrame(done));

export class Preview {
  /**
   * @param {{ session: Session, read: () => string, toggle: (line: number, text: string) => void, drawn: () => void }} options
   *   `toggle`: called with the line of a task whose box was clicked: its number, and what is in it
   */
  constructor({ session, read, toggle, drawn }) {
    this.session = session;
    this.read = read;
    this.drawn = drawn;
    this.element = h('div', { class: 'preview rich-text', role: 'document', 'aria-label': 'Preview', tabindex: '0' });
    /** @type {Drawn[]} */
    this.blocks = [];
    this.isReadOnly = true;
    this.timer = 0;
    this.isDrawing = false;
    this.isStale = false;
    this.worker = new Worker(new URL('./preview-worker.js', import.meta.url), { type: 'module' });
    this.worker.addEventListener('message', ({ data }) => this.show(data));
    this.worker.addEventListener('error', () => this.element.toggleAttribute('data-failed', true));
    /** The text that is drawn, and the one that is being drawn. */
    this.text = '';
    this.coming = '';
    this.element.addEventListener('click', (event) => this.click(event, toggle));
  }

  /** Draws soon; a long text when nobody has typed for a moment. */
  change() {
    const isLong = this.blocks.length > LONG;
    if (isLong) clearTimeout(this.timer);
    else if (this.timer) return;
    this.timer = setTimeout(() => this.draw(), isLong ? AT_REST : SOONEST);
  }

  draw() {
    clearTimeout(this.timer);
    this.timer = 0;
    this.isStale = this.isDrawing;
    if (this.isDrawing) return;
    this.isDrawing = true;
    this.coming = this.read();
    this.worker.postMessage(this.coming);
  }

  /** @param {Change} change */
  async show({ head, tail, fresh, lines }) {
    const { blocks: before } = this;
    const rest = before.slice(before.length - tail);
    this.element.toggleAttribute('data-empty', lines.length === 0);
    this.element.toggleAttribute('data-large', lines.length > LARGE);
    for (const { element } of before.slice(head, before.length - tail)) remove(element);
    const made = [];
    for (const html of fresh) {
      if (made.length % AT_ONCE === AT_ONCE - 1) await frame();
      const element = this.make(html);
      insert(this.element, element, made.at(-1) ?? before[head - 1]?.element);
      made.push(element);
    }
    const elements = [
      ...before.slice(0, head).map(({ element }) => element),
      ...made,
      ...rest.map(({ element }) => element),
    ];
    this.blocks = elements.map((element, at) => ({ line: lines[at], element }));
    this.text = this.coming;
    this.isDrawing = false;
    this.drawn();
    if (this.isStale) this.draw();
  }

  /** @param {string} html */
  make(html) {
    const element = h('div', { class: 'preview-block' });
    element.append(...parsed(html));
    for (const image of element.querySelectorAll('img')) this.load(image);
    for (const box of element.querySelectorAll('input')) box.disabled = this.isReadOnly;
    for (const list of element.querySelectorAll('ul, ol'))
      if ([...list.children].some((item) => item.hasAttribute('data-checked')))
        list.setAttribute('data-type', 'taskList');
    if (element.querySelector('.formula')) drawFormulas(element);
    if (element.querySelector('[data-language]')) colour(element);
    return element;
  }

  /** @param {HTMLImageElement} image */
  async load(image) {
    const { src = '' } = image.dataset;
    image.addEventListener('load', this.drawn, { once: true });
    image.src = await pictureAddress(this.session, src);
  }

  /** @param {boolean} isReadOnly */
  setReadOnly(isReadOnly) {
    this.isReadOnly = isReadOnly;
    for (const box of this.element.querySelectorAll('input')) box.disabled = isReadOnly;
  }

  /**
   * @param {MouseEvent} event
   * @param {(line: number, text: string) => void} toggle
   */
  click(event, toggle) {
    if (!(event.target instanceof Element)) return;
    const item = event.target.closest('input')?.closest('li');
    const block = item && this.blocks.find(({ element }) => element.contains(item));
    if (item && block) {
      // The text decides, and draws the box again.
      event.preventDefault();
      const line = block.line + Number(item.getAttribute('data-line'));
      toggle(line, this.text.split('\n')[line]);
      return;
    }
    const anchor = event.target.closest('a[href^="#"]')?.getAttribute('href')?.slice(1);
    if (anchor === undefined) return;
    event.preventDefault();
    const place = this.findNote(anchor) ?? this.findHeading(decode(anchor));
    if (place) scrollTo(place, FRAMES);
  }

  /**
   * A footnote, or the place in the text that leads to it.
   * @param {string} anchor
   */
  findNote(anchor) {
    const [, back, label] = /^note-(ref-)?([\w.+-]+)$/.exec(anchor) ?? [];
    return label && this.element.querySelector(`[data-note${back ? '-ref' : ''}="${label}"]`);
  }

  /** @param {string} anchor */
  findHeading(anchor) {
    /** @type {Map<string, number>} */
    const counts = new Map();
    return [...this.element.querySelectorAll('h1, h2, h3, h4, h5, h6')].find((heading) => {
      const words = (heading.textContent ?? '').trim().replace(/\s+/g, ' ').toLowerCase();
      const name = words.replace(NOT_IN_ANCHORS, '').replaceAll(' ', '-').slice(0, LONGEST_ANCHOR);
      const count = counts.get(name) ?? 0;
      counts.set(name, count + 1);
      return anchor === (count ? `${name}-${count}` : name);
    });
  }

  destroy() {
    clearTimeout(this.timer);
    this.worker.terminate();
    this.element.remove();
  }
}

/**
 * Inserts a block behind another one, or first. Parts of the preview hold some blocks each: the browser looks for each part
 * whether it is in sight, which takes long for all blocks.
 * @param {HTMLElement} root
 * @param {HTMLElement} element
 * @param {HTMLElement | undefined} before
 */
function insert(root, element, before) {
  const part = before?.parentElement ?? root.firstElementChild ?? root.appendChild(h('div', { class: 'preview-part' }));
  if (before) before.after(element);
  else part.prepend(element);
  if (part.childElementCount <= MOST) return;
  const next = h('div', { class: 'preview-part' });
  next.append(...[...part.children].slice(MOST / 2));
  part.after(next);
}

/** @param {HTMLElement} element */
function remove(element) {
  const part = element.parentElement;
  element.remove();
  if (part?.childElementCount === 0) part.remove();
}

/**
 * @param {Element} element
 * @param {number} frames
 */
function scrollTo(element, frames) {
  element.scrollIntoView({ block: 'start', behavior: 'instant' });
  if (frames > 1) requestAnimationFrame(() => scrollTo(element, frames - 1));
}

/**
 * The nodes of HTML in which all text of people is escaped.
 * @param {string} html
 */
const parsed = (html) => new DOMParser().parseFromString(html, 'text/html').body.childNodes;

/** @param {string} anchor */
function decode(anchor) {
  try {
    return decodeURIComponent(anchor).toLowerCase();
  } catch {
    return anchor;
  }
}

/** @param {HTMLElement} element */
function drawFormulas(element) {
  for (const formula of element.querySelectorAll('.formula'))
    drawFormula(formula, formula.textContent ?? '', { wide: formula.hasAttribute('data-wide') });
}

/** @param {HTMLElement} element */
async function colour(element) {
  const { colouring } = await import('../rich/languages.js');
  for (const code of element.querySelectorAll('code[data-language]')) {
    const language = code.getAttribute('data-language') ?? '';
    if (colouring.registered(language))
      code.replaceChildren(...nodesOf(colouring.highlight(language, code.textContent ?? '')));
  }
}

/**
 * @param {{ children: any[] }} tree
 * @returns {(Node | string)[]}
 */
const nodesOf = ({ children }) =>
  children.map((child) =>
    child.type === 'text' ? child.value : h('span', { class: child.properties.className.join(' ') }, ...nodesOf(child)),
  );
