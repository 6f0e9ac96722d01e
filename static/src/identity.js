/** Who the reader is to the others: name and colour, kept in this browser. */

export const COLOURS = [
  ['Rose', '#be3455'], ['Amber', '#b45309'], ['Olive', '#4d7c0f'], ['Teal', '#0f766e'],
  ['Blue', '#1d6fb8'], ['Indigo', '#4f46e5'], ['Violet', '#7c3aed'], ['Plum', '#a21caf'],
];
const MANNERS = ['Quiet', 'Bright', 'Gentle', 'Swift', 'Patient', 'Curious', 'Calm', 'Merry', 'Candid', 'Nimble'];
const ANIMALS = ['Heron', 'Otter', 'Lark', 'Fox', 'Badger', 'Finch', 'Hare', 'Robin', 'Marten', 'Wren', 'Seal', 'Stork'];
export const NAME_LIMIT = 40;

const any = (list) => list[Math.floor(Math.random() * list.length)];
const HEX = /^#[0-9a-f]{6}$/i;

/** Storage may be refused by the browser; then nothing is remembered. */
export const memory = {
  get(key) {
    try {
      return localStorage.getItem(`collab:${key}`);
    } catch {
      return null;
    }
  },
  set(key, value) {
    try {
      if (value === null) localStorage.removeItem(`collab:${key}`);
      else localStorage.setItem(`collab:${key}`, value);
    } catch {
      // Forgotten at the next visit.
    }
  },
};

/** @returns {string} a name as it may be shown: one line, at most NAME_LIMIT characters; '' when nothing is left */
export const tidyName = (name) =>
  typeof name === 'string' ? [...name.replace(/[\p{C}\s]+/gu, ' ').trim()].slice(0, NAME_LIMIT).join('') : '';

/** @returns {string} a colour another client claims, or one chosen by its client id when it is no plain colour */
export const safeColour = (colour, client) =>
  typeof colour === 'string' && HEX.test(colour) ? colour : COLOURS[client % COLOURS.length][1];

/** @returns {'#fff' | '#111'} the more readable text colour on `colour` (#rrggbb) */
export function inkOn(colour) {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const part = parseInt(colour.slice(at, at + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.2 ? '#111' : '#fff';
}

export function ownIdentity() {
  let name = tidyName(memory.get('name'));
  if (!name) {
    name = `${any(MANNERS)} ${any(ANIMALS)}`;
    memory.set('name', name);
  }
  let colour = memory.get('colour');
  if (!colour || !HEX.test(colour)) {
    [, colour] = any(COLOURS);
    memory.set('colour', colour);
  }
  return { name, colour };
}
