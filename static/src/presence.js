/** Who has the documents of a list open: initials and a count in each row, and one request for all of them. */
import * as api from './api.js';
import { COLOURS, inkOn } from './identity.js';
import { h } from './dom.js';
import { counted, initials } from './prose.js';

export const PRESENCE_EVERY = 10000;
const SHOWN = 3;

/** The same person has the same colour in every row. */
function colourOf({ user_id: id, name }) {
  let sum = 0;
  for (const letter of id ?? name ?? '') sum = (sum * 31 + letter.codePointAt(0)) >>> 0;
  return COLOURS[sum % COLOURS.length][1];
}

export const nameOf = ({ user_id: id, name }) => name ?? (id ? 'Somebody' : 'Guest');

function face(person) {
  const element = h('span', { class: 'avatar', 'aria-hidden': 'true', 'data-initials': initials(nameOf(person)) });
  const colour = colourOf(person);
  element.style.setProperty('--person', colour);
  element.style.setProperty('--ink', inkOn(colour));
  return element;
}

/** @returns {string} such as "Ada, Quiet Heron (guest) and 2 others" */
export function namesOf({ people, present }) {
  const names = present.map((person) => nameOf(person) + (person.user_id || person.name === null ? '' : ' (guest)'));
  const more = people - names.length;
  const parts = more > 0 ? [...names, counted(more, 'other')] : names;
  return parts.length > 1 ? `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}` : parts.join('');
}

/** @returns {HTMLElement | false} who is in the document now; false when nobody is */
export const hereNow = ({ people, present = [] }) => people > 0 && h('span', { class: 'here', title: namesOf({ people, present }) },
  h('span', { class: 'avatars' }, present.slice(0, SHOWN).map(face)), h('span', { class: 'here-count' }, `${people} here now`));

/** Puts what the server says of a workspace into the items of its list, in place. @returns {boolean} whether it differs */
export function takePresence(items, busy) {
  const now = new Map(busy.map((one) => [one.document_id, one]));
  let changed = false;
  for (const item of items) {
    const { people, present } = now.get(item.id) ?? { people: 0, present: [] };
    if ((item.people ?? 0) === people && JSON.stringify(item.present ?? []) === JSON.stringify(present)) continue;
    Object.assign(item, { people, present });
    changed = true;
  }
  return changed;
}

/**
 * Asks now and then who is where in a workspace.
 * @param {string} workspace
 * @param {() => object[]} items of the list that are documents of this workspace
 * @param {() => void} changed called when some of them have others in them now
 */
export function followPresence(workspace, items, changed) {
  setInterval(async () => {
    if (document.hidden || document.body.dataset.state !== 'ready') return;
    try {
      const { items: busy } = await api.workspacePresence(workspace, { limit: 500 });
      if (takePresence(items(), busy)) changed();
    } catch {
      // The list's own refresh says what is wrong.
    }
  }, PRESENCE_EVERY);
}
