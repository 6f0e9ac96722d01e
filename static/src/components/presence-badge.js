/** Shows who has a document of a list open: initials and a count. */
import { h } from 'preact';
import { personColour, personName, presenceNames } from '../lib/presence-names.js';
import { Avatar } from './elements.js';

/** @import { Doc } from '../lib/types.js' */

const SHOWN = 3;

/** @param {{ doc: Doc }} props */
export function PresenceBadge({ doc: { people = 0, present = [] } }) {
  if (people === 0) return null;
  return h(
    'span',
    { class: 'here', title: presenceNames({ people, present }) },
    h(
      'span',
      { class: 'avatars' },
      present.slice(0, SHOWN).map((person, index) =>
        h(Avatar, {
          key: index,
          name: personName(person),
          colour: personColour(person),
          picture: person.avatar_url,
        }),
      ),
    ),
    h('span', { class: 'here-count' }, `${people} here now`),
  );
}
