/** Names and colours of the people who have a document open, or have edited it. */
import { counted } from './format.js';
import { COLOURS } from './identity.js';

/** @import { PresentPerson } from './types.js' */

/** @param {PresentPerson} person */
export const personName = ({ user_id: id, name }) => name ?? (id ? 'Somebody' : 'Guest');

/**
 * The same person has the same colour everywhere.
 * @param {PresentPerson} person
 */
export function personColour({ user_id: id, name }) {
  let sum = 0;
  for (const letter of id ?? name ?? '') sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return COLOURS[sum % COLOURS.length][1];
}

/**
 * Such as "Ada, Quiet Heron (guest) and 2 others".
 * @param {{ people: number, present: PresentPerson[] }} presence
 */
export function presenceNames({ people, present }) {
  const names = present.map(
    (person) => personName(person) + (person.user_id || person.name === null ? '' : ' (guest)'),
  );
  const more = people - names.length;
  const parts = more > 0 ? [...names, counted(more, 'other')] : names;
  return parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}` : parts.join('');
}
