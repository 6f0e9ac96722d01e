/** Words, times and counts as people read them. */

const WORD = /[\p{L}\p{N}\p{M}]+(?:['’\-_.][\p{L}\p{N}\p{M}]+)*/gu;

/** @returns {number} words in `text` */
export function wordCount(text) {
  let count = 0;
  WORD.lastIndex = 0;
  while (WORD.test(text)) count += 1;
  return count;
}

const numbers = new Intl.NumberFormat('en');

/** @returns {string} such as "1 word", "2,301 words" */
export const counted = (count, noun) => `${numbers.format(count)} ${noun}${count === 1 ? '' : 's'}`;

/** @returns {string} such as "812 bytes", "1.5 MB" (of 1024 * 1024 bytes) */
export function sized(bytes) {
  if (bytes < 1000) return counted(bytes, 'byte');
  const step = Math.min(4, Math.max(1, Math.floor(Math.log(bytes) / Math.log(1024))));
  return `${numbers.format(Math.round((bytes / 1024 ** step) * 10) / 10)} ${['', 'KB', 'MB', 'GB', 'TB'][step]}`;
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
const STEPS = [['minute', 60], ['hour', 60], ['day', 24], ['week', 7]];

/** @returns {string} how long `then` is ago at `now` (both milliseconds); a date when it is more than four weeks */
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
  return new Intl.DateTimeFormat('en', { day: 'numeric', month: 'short', year: sameYear ? undefined : 'numeric' }).format(then);
}

/** @returns {string} at most two letters for an avatar */
export function initials(name) {
  const parts = name.split(/\s+/).map((part) => part.replace(/^[^\p{L}\p{N}]+/u, '')).filter(Boolean);
  const letters = parts.length > 1 ? [parts[0], parts.at(-1)] : parts;
  return letters.map((part) => [...part][0].toUpperCase()).join('') || '?';
}
