/** The title of a document that has none of its own. The server extracts it in the same way, a little later. */

const LOOKED = 8000;
const LONGEST = 200;
const LINK = /!?\[((?:[^[\]\\]|\\.)*)\](?:\([^()]*\)|\[[^[\]]*\])/g;

/**
 * Removes the inline markup of a Markdown line.
 * @param {string} marked
 */
function plain(marked) {
  /** @type {string[]} */
  const kept = [];
  const keep = (/** @type {string} */ _, /** @type {string} */ text) => `\ue000${kept.push(text) - 1}\ue001`;
  return marked
    .replace(/\\([!-/:-@[-`{-~])/g, keep)
    .replace(/`+([^`]+)`+/g, keep)
    .replace(LINK, '$1')
    .replace(/(\*{1,3}|~~)(?=\S)(.+?)(?<=\S)\1/g, '$2')
    .replace(/(?<![\p{L}\p{N}])(_{1,3})(?=\S)(.+?)(?<=\S)\1(?![\p{L}\p{N}])/gu, '$2')
    .replace(/\ue000(\d+)\ue001/g, (_, number) => kept[number])
    .replace(/[\p{C}\s]+/gu, ' ')
    .trim();
}

/**
 * The first heading of a Markdown text that is not empty.
 * @param {string} text
 * @returns {string | null}
 */
export function firstHeading(text) {
  let fence = '';
  /** @type {string[]} */
  let paragraph = [];
  const lines = text
    .slice(0, LOOKED)
    .replace(/^---[ \t]*\n.*?\n(?:---|\.\.\.)[ \t]*(?:\n|$)/s, '')
    .split('\n');
  for (const line of lines) {
    if (fence) {
      if (line.trim().startsWith(fence)) fence = '';
      continue;
    }
    const fenced = line.match(/^[ \t]{0,3}(`{3,}|~{3,})/);
    const heading = line.match(/^ {0,3}(?:(?:>[ \t]?|[-*+][ \t]+|\d{1,9}[.)][ \t]+)\s*)*#{1,6}[ \t]+(.*)$/);
    let found = null;
    if (fenced) [, fence] = fenced;
    else if (heading) found = heading[1].slice(0, 1000).replace(/(^|[ \t]+)#+[ \t]*$/, '');
    else if (paragraph.length > 0 && /^ {0,3}(=+|-+)[ \t]*$/.test(line)) found = paragraph.join(' ');
    const title = found === null ? '' : plain(found).slice(0, LONGEST).trim();
    if (title) return title;
    const ends =
      fenced || heading || found !== null || !line.trim() || /^[ \t]*(?:>|[-*+][ \t]|\d{1,9}[.)][ \t])/.test(line);
    paragraph = ends ? [] : [...paragraph, line];
  }
  return null;
}

/**
 * The title of a document without a title and without a heading: the end of its name.
 * @param {{ name?: string | null }} doc
 */
export const titleWithout = ({ name }) =>
  (name ?? '').replace(/\/+$/, '').split('/').at(-1)?.trim() || name || 'Untitled';
