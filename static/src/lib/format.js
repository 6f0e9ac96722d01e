/** Formats words, times and counts for people. */

const WORD = /[\p{L}\p{N}\p{M}]+(?:['’\-_.][\p{L}\p{N}\p{M}]+)*/gu;

/**
 * Counts the words of a text.
 * @param {string} text
 */
export function wordCount(text) {
  let count = 0;
  WORD.lastIndex = 0;
  while (WORD.test(text)) count += 1;
  return count;
}

const numbers = new Intl.NumberFormat('en');

/**
 * Such as "1 word", "2,301 words".
 * @param {number} count
 * @param {string} noun in the singular
 */
export const counted = (count, noun) => `${numbers.format(count)} ${noun}${count === 1 ? '' : 's'}`;

/**
 * Such as "812 bytes", "1.5 MB" (of 1024 * 1024 bytes).
 * @param {number} bytes
 */
export function sized(bytes) {
  if (bytes < 1000) return counted(bytes, 'byte');
  const step = Math.min(4, Math.max(1, Math.floor(Math.log(bytes) / Math.log(1024))));
  return `${numbers.format(Math.round((bytes / 1024 ** step) * 10) / 10)} ${['', 'KB', 'MB', 'GB', 'TB'][step]}`;
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
/** @type {[Intl.RelativeTimeFormatUnit, number][]} */
const STEPS = [
  ['minute', 60],
  ['hour', 60],
  ['day', 24],
  ['week', 7],
];

/**
 * Such as "2 hours ago"; a date when that is more than four weeks.
 * @param {number} then milliseconds
 * @param {number} now milliseconds
 */
export function ago(then, now) {
  let amount = Math.max(0, now - then) / 1000;
  if (amount < 45) return 'just now';
  let text = '';
  for (const [unit, size] of STEPS) {
    amount /= size;
    if (Math.round(amount) < 1) break;
    text = relative.format(-Math.round(amount), unit);
  }
  if (amount < 4.5) return text;
  const sameYear = new Date(then).getFullYear() === new Date(now).getFullYear();
  return new Intl.DateTimeFormat('en', {
    day: 'numeric',
    month: 'short',
    year: sameYear ? undefined : 'numeric',
  }).format(then);
}

/**
 * Returns at most two letters of a name, for an avatar.
 * @param {string} name
 */
export function initials(name) {
  const parts = name
    .split(/\s+/)
    .map((part) => part.replace(/^[^\p{L}\p{N}]+/u, ''))
    .filter(Boolean);
  const letters = parts.length > 1 ? [parts[0], parts[parts.length - 1]] : parts;
  return letters.map((part) => [...part][0].toUpperCase()).join('') || '?';
}
