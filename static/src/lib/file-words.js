/** What files are called: in Markdown, in the list, and on the way to the server. */

/** @import { IconName } from '../components/icons.js' */
/** @import { Attachment } from './attachment-types.js' */

/** Bytes of a request. Larger files are sent in slices of this size. */
export const SLICE = 8 * 1024 * 1024;

/** Pictures that browsers show. */
const SHOWN = new Set(['image/avif', 'image/gif', 'image/jpeg', 'image/png', 'image/webp']);
/** What would be more than a letter in the text of a link. An underscore within a word is none. */
const MARKS = /[\\[\]`*<]|&(?=#?\w+;)|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu;

/** @param {Pick<Attachment, 'content_type'>} attachment */
export const isPicture = ({ content_type: type }) => SHOWN.has(type);

/**
 * The Markdown that shows a picture, or leads to another file.
 * @param {Pick<Attachment, 'file_name' | 'content_type' | 'url'>} attachment
 */
export function markdownOf({ file_name: name, url, ...attachment }) {
  const text = name.replace(/\s+/g, ' ').replace(MARKS, '\\$&');
  return `${isPicture(/** @type {Attachment} */ (attachment)) ? '!' : ''}[${text}](${url})`;
}

/**
 * One of several links, on a line of its own.
 * @param {string} markdown
 * @param {string} before the character before its place, '' at the beginning
 * @param {string} after the character behind its place, '' at the end
 */
export const onItsLine = (markdown, before, after) =>
  `${before === '' || before === '\n' ? '' : '\n'}${markdown}${after === '' || after === '\n' ? '' : '\n'}`;

/**
 * The bytes of a file that are sent next.
 * @param {number} offset bytes that the server has
 * @param {number} size
 * @returns {[number, number]} from, to
 */
export const nextSlice = (offset, size) => [offset, Math.min(size, offset + SLICE)];

/** @type {[RegExp, IconName, string][]} types, with the icon and the word for each */
const KINDS = [
  [/^image\//, 'picture', 'Picture'],
  [/^video\//, 'film', 'Film'],
  [/^audio\//, 'sound', 'Sound'],
  [/zip|compressed|rar|x-tar|x-xz|zstd|bzip/, 'archive', 'Archive'],
  [/spreadsheet|excel|csv|tab-separated/, 'table', 'Table'],
  [/pdf/, 'document', 'PDF'],
];

/**
 * @param {string} type
 * @returns {{ icon: IconName, word: string }}
 */
export function kindOf(type) {
  const [, icon, word] = KINDS.find(([pattern]) => pattern.test(type)) ?? ['', 'document', 'File'];
  return { icon: /** @type {IconName} */ (icon), word };
}

/**
 * The name of a file from the clipboard: browsers call every picture `image.png`.
 * @param {string} name
 * @param {Date} now
 */
export function nameOfPasted(name, now) {
  const ending = /^image\.(\w+)$/.exec(name)?.[1];
  if (!ending) return name;
  const two = (/** @type {number} */ number) => String(number).padStart(2, '0');
  const day = [now.getFullYear(), two(now.getMonth() + 1), two(now.getDate())].join('-');
  return `Picture ${day} ${[now.getHours(), now.getMinutes(), now.getSeconds()].map(two).join('.')}.${ending}`;
}

/**
 * Whether what is pasted is meant as files. Office programs add a picture of each text that is copied; file managers
 * add the names of copied files as text.
 * @param {string[]} names of the files
 * @param {string} text
 */
export function meansFiles(names, text) {
  if (names.length === 0) return false;
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '');
  return lines.every((line) => names.some((name) => line === name || line.endsWith(`/${name}`)));
}
