/** The name and the colour that others see, kept in this browser. */

export const COLOURS = [
  ['Rose', '#be3455'],
  ['Amber', '#b45309'],
  ['Olive', '#4d7c0f'],
  ['Teal', '#0f766e'],
  ['Blue', '#1d6fb8'],
  ['Indigo', '#4f46e5'],
  ['Violet', '#7c3aed'],
  ['Plum', '#a21caf'],
];
const MANNERS = ['Quiet', 'Bright', 'Gentle', 'Swift', 'Patient', 'Curious', 'Calm', 'Merry', 'Candid', 'Nimble'];
const ANIMALS = [
  'Heron',
  'Otter',
  'Lark',
  'Fox',
  'Badger',
  'Finch',
  'Hare',
  'Robin',
  'Marten',
  'Wren',
  'Seal',
  'Stork',
];
export const NAME_LIMIT = 40;
/** Characters of a name that the server has put together: that of a guest, and of the link by which they came. */
const SHOWN_LIMIT = 170;

/**
 * @template T
 * @param {readonly T[]} list
 */
const any = (list) => list[Math.floor(Math.random() * list.length)];
const HEX = /^#[0-9a-f]{6}$/i;

/** Values kept in this browser. A browser that refuses storage keeps none. */
export const memory = {
  /** @param {string} key */
  get(key) {
    try {
      return localStorage.getItem(`collab:${key}`);
    } catch {
      return null;
    }
  },
  /**
   * @param {string} key
   * @param {string | null} value
   */
  set(key, value) {
    try {
      if (value === null) localStorage.removeItem(`collab:${key}`);
      else localStorage.setItem(`collab:${key}`, value);
    } catch {
      // The value is lost at the next visit.
    }
  },
};

/**
 * A name as it may be shown: one line, at most `limit` characters; '' when nothing is left.
 * @param {unknown} name
 * @param {number} [limit]
 */
export const tidyName = (name, limit = NAME_LIMIT) =>
  typeof name === 'string' ? [...name.replace(/[\p{C}\s]+/gu, ' ').trim()].slice(0, limit).join('') : '';

/**
 * The name of somebody in the document, as `tidyName` has it, but as long as the server makes it.
 * @param {unknown} name
 */
export const shownName = (name) => tidyName(name, SHOWN_LIMIT);

/**
 * The colour that another client claims; one chosen by its client id where that is not `#rrggbb`.
 * @param {unknown} colour
 * @param {number} client
 */
export const safeColour = (colour, client) =>
  typeof colour === 'string' && HEX.test(colour) ? colour : COLOURS[client % COLOURS.length][1];

/**
 * The more readable text colour on `colour`.
 * @param {string} colour #rrggbb
 * @returns {'#fff' | '#111'}
 */
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
