/** What Word and Google Docs put on the clipboard, made such as other pages write it. */
import { h } from '../../../lib/dom.js';

const WORD = /class="?Mso|xmlns:w="urn:schemas-microsoft-com:office:word"|mso-list/;
const WORD_ONLINE = /class="[^"]*(?:TextRun|ListContainerWrapper|OutlineElement)\b/;
const DOCS = /id="docs-internal-guid-/;
/** The sign of a numbered item: `1.`, `b)`, `iv.` */
const NUMBER = /^\(?(?:\d+|[a-z]{1,4})[.)]/i;

/**
 * Whether HTML comes from Word or Google Docs.
 * @param {string} html
 */
export const isOffice = (html) => WORD.test(html) || WORD_ONLINE.test(html) || DOCS.test(html);

/**
 * The content of what an office program has put on the clipboard.
 * @param {string} html
 * @returns {HTMLElement}
 */
export function fromOffice(html) {
  // Word hides the signs of its lists from other programs by comments, which end at the wrong place for browsers. The page's
  // policy lets no style attribute pass, also in a document that nobody sees.
  const source = html
    .replace(/<style[\s\S]*?<\/style>/gi, '')
    .replace(/<!\[(?:if[^\]]*|endif)\]>/g, '')
    .replace(/<[a-z][^<>]*>/gi, (tag) => tag.replace(/\sstyle=/gi, ' data-style='));
  const { body } = new DOMParser().parseFromString(source, 'text/html');
  for (const each of body.querySelectorAll('style, script, meta, link, xml, title')) each.remove();
  unwrapDocs(body);
  markLooks(body);
  makeTasks(body);
  makeWordLists(body);
  joinOnlineLists(body);
  for (const each of body.querySelectorAll('.EOP')) each.remove();
  for (const each of body.querySelectorAll('p[role="heading"]')) {
    const level = Math.min(6, Number(each.getAttribute('aria-level')) || 1);
    rename(each, /** @type {'h1'} */ (`h${level}`));
  }
  for (const each of body.querySelectorAll('p.MsoTitle')) rename(each, 'h1');
  for (const each of body.querySelectorAll('p.MsoSubtitle')) rename(each, 'p');
  for (const each of body.querySelectorAll('img'))
    // Files of the program itself.
    if (/^(?:file|cid|blob|data:,)/i.test(each.getAttribute('src') ?? '')) each.remove();
  for (const each of [...body.querySelectorAll('*')])
    if (each.localName.includes(':')) each.replaceWith(...each.childNodes);
  makeHeaders(body);
  dropEmpty(body);
  return body;
}

/**
 * @param {Element} element
 * @param {keyof HTMLElementTagNameMap} tag
 */
function rename(element, tag) {
  const other = h(tag, {}, ...element.childNodes);
  element.replaceWith(other);
  return other;
}

/**
 * Docs puts everything into a bold element that is not bold, and lines between blocks.
 * @param {HTMLElement} body
 */
function unwrapDocs(body) {
  for (const each of body.querySelectorAll('[id^="docs-internal-guid-"]'))
    if (each.localName === 'b') each.replaceWith(...each.childNodes);
  for (const each of body.querySelectorAll('br'))
    if (each.parentElement === body || each.classList.contains('Apple-interchange-newline')) each.remove();
}

/**
 * What the style of an element says.
 * @param {Element} element
 * @returns {Record<string, string>}
 */
function styleOf(element) {
  const declarations = (element.getAttribute('data-style') ?? '').toLowerCase().split(';');
  return Object.fromEntries(
    declarations
      .filter((each) => each.includes(':'))
      .map((each) => {
        const at = each.indexOf(':');
        return [each.slice(0, at).trim(), each.slice(at + 1).trim()];
      }),
  );
}

/**
 * Looks that are styles become elements.
 * @param {HTMLElement} body
 */
function markLooks(body) {
  for (const each of [...body.querySelectorAll('span[data-style]')]) {
    const style = styleOf(each);
    const line = `${style['text-decoration'] ?? ''} ${style['text-decoration-line'] ?? ''}`;
    const isTitle = each.closest('h1, h2, h3, h4, h5, h6, th, [role="heading"]') !== null;
    const isDone = each.closest('li[role="checkbox"][aria-checked="true"]') !== null;
    /** @type {[boolean, keyof HTMLElementTagNameMap][]} */
    const looks = [
      [!isTitle && /^(?:bold|[6-9]00)$/.test(style['font-weight'] ?? ''), 'strong'],
      [style['font-style'] === 'italic', 'em'],
      [line.includes('underline') && !each.closest('a'), 'u'],
      // Docs strikes what is done; the page does so, too.
      [line.includes('line-through') && !isDone, 's'],
      [style['vertical-align'] === 'super', 'sup'],
      [style['vertical-align'] === 'sub', 'sub'],
      [/\b(?:courier|consolas|roboto mono|monospace)\b/.test(style['font-family'] ?? '') && !isSign(each), 'code'],
      ['mso-highlight' in style || isMarked(style['background-color'] ?? ''), 'mark'],
    ];
    for (const [has, tag] of looks) if (has) each.replaceChildren(h(tag, {}, ...each.childNodes));
  }
}

/** Whether it is the sign of an item in Word. @param {Element} element */
const isSign = (element) => element.querySelector('[data-style*="mso-list"]') !== null;

/** @param {string} colour of a background */
const isMarked = (colour) => /^(?:yellow|#ffff00|rgb\(255, ?255, ?0\)|lime|aqua|#00ff00|#00ffff)$/.test(colour);

/**
 * The checklists of Docs.
 * @param {HTMLElement} body
 */
function makeTasks(body) {
  for (const item of body.querySelectorAll('li[role="checkbox"]')) {
    for (const image of item.querySelectorAll(':scope > img, :scope > p > img')) image.remove();
    item.setAttribute('data-type', 'taskItem');
    item.setAttribute('data-checked', String(item.getAttribute('aria-checked') === 'true'));
    item.parentElement?.setAttribute('data-type', 'taskList');
  }
}

/**
 * Word writes items of lists as paragraphs, with their level in a style and their sign in the text.
 * @param {HTMLElement} body
 */
function makeWordLists(body) {
  /** @type {HTMLElement[]} the lists around the item, by level */
  let lists = [];
  for (const each of [...body.querySelectorAll('p, h1, h2, h3, h4, h5, h6, table, ul, ol')]) {
    const level = Number(/mso-list:\s*\S+\s+level(\d)/.exec(each.getAttribute('data-style') ?? '')?.[1] ?? 0);
    if (!level || each.localName !== 'p') {
      if (!lists.some((list) => list.contains(each))) lists = [];
      continue;
    }
    const sign = [...each.querySelectorAll('span')].find((span) =>
      /mso-list:\s*Ignore/i.test(span.getAttribute('data-style') ?? ''),
    );
    const isNumbered = NUMBER.test((sign?.textContent ?? '').trim());
    sign?.remove();
    const tag = isNumbered ? 'ol' : 'ul';
    const last = lists[level - 1];
    lists.length = Math.min(lists.length, level);
    if (!last || last.localName !== tag) {
      const list = h(tag, {});
      const item = lists.slice(0, level - 1).findLast(Boolean)?.lastElementChild;
      if (item) item.append(list);
      else each.before(list);
      lists[level - 1] = list;
    }
    lists[level - 1].append(h('li', {}, each));
  }
}

/**
 * Word on the web writes a list for each item, with its level in an attribute.
 * @param {HTMLElement} body
 */
function joinOnlineLists(body) {
  for (const each of [...body.querySelectorAll('div.ListContainerWrapper')]) each.replaceWith(...each.childNodes);
  /** @type {HTMLElement[]} */
  let lists = [];
  /** @type {Element | null} */
  let end = null;
  for (const item of [...body.querySelectorAll('li[data-aria-level]')]) {
    const list = item.parentElement;
    if (!list || (end && list.previousElementSibling !== end && !lists.includes(list))) lists = [];
    if (!list) continue;
    const level = Number(item.getAttribute('data-aria-level')) || 1;
    lists.length = Math.min(lists.length, level);
    const same = lists[level - 1];
    const tag = list.localName === 'ol' ? 'ol' : 'ul';
    const parent = lists.slice(0, level - 1).findLast(Boolean)?.lastElementChild;
    if (same?.localName === tag && same !== list) same.append(item);
    else if (same !== list && parent) {
      lists[level - 1] = h(tag, {}, item);
      parent.append(lists[level - 1]);
    } else lists[level - 1] = list;
    if (list.childElementCount === 0) list.remove();
    end = lists.find(Boolean) ?? null;
  }
}

/**
 * Both programs write the first row like any other; the schema of Markdown needs a header.
 * @param {HTMLElement} body
 */
function makeHeaders(body) {
  for (const table of body.querySelectorAll('table')) {
    const cells = [...(table.rows[0]?.cells ?? [])];
    for (const cell of cells) {
      if (cell.localName === 'th') continue;
      const header = h('th', {}, ...cell.childNodes);
      if (cell.colSpan > 1) header.colSpan = cell.colSpan;
      if (cell.rowSpan > 1) header.rowSpan = cell.rowSpan;
      cell.replaceWith(header);
      for (const bold of header.querySelectorAll('b, strong')) bold.replaceWith(...bold.childNodes);
    }
  }
}

/**
 * Paragraphs with nothing but a space are the distance between blocks.
 * @param {HTMLElement} body
 */
function dropEmpty(body) {
  for (const each of body.querySelectorAll('p, h1, h2, h3, h4, h5, h6')) {
    if (each.textContent?.trim() || each.querySelector('img')) continue;
    if (each.closest('td, th')) each.replaceChildren();
    else each.remove();
  }
}
