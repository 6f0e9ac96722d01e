/** Shows the people in the document: avatars in the header, and a panel with names and with the own name and colour. */
import { $, h, setText } from '../lib/dom.js';
import { COLOURS, NAME_LIMIT, memory, safeColour, shownName, tidyName } from '../lib/identity.js';
import { counted } from '../lib/format.js';
import { avatar, pictureAddress } from '../lib/pictures.js';

const narrow = matchMedia('(max-width: 480px)');

/** @type {(element: HTMLElement, target: EventTarget | null) => boolean} */
const contains = (element, target) => target instanceof Node && element.contains(target);

/** @import { Awareness } from 'y-protocols/awareness' */
/** @import { Session } from './session.js' */

/**
 * @typedef {{ client: number, name: string, colour: string, picture: string | null, own: boolean, program: boolean }}
 *   Person `program`: a program that writes over the API
 */

/**
 * Lists the reader first, then people by name, then programs.
 * @param {Awareness} awareness
 * @returns {Person[]}
 */
export function peopleIn(awareness) {
  const people = [];
  for (const [client, { user }] of awareness.getStates()) {
    const own = client === awareness.clientID;
    if (!user && !own) continue;
    people.push({
      client,
      own,
      program: user?.program === true,
      name: shownName(user?.name) || 'Guest',
      colour: safeColour(user?.color, client),
      picture: pictureAddress(user?.picture),
    });
  }
  return people.sort(
    (a, b) =>
      Number(b.own) - Number(a.own) ||
      Number(a.program) - Number(b.program) ||
      a.name.localeCompare(b.name) ||
      a.client - b.client,
  );
}

/**
 * @param {{session: Session, identity: {name: string, colour: string}, picture: string | null, fixedName: boolean}} options
 *   fixedName: the name is the account's and cannot be changed here
 */
export function bindPeople({ session, identity, picture, fixedName }) {
  const button = $('people-button');
  const panel = $('people-panel');
  const introduce = () =>
    session.awareness.setLocalStateField('user', {
      name: identity.name,
      color: identity.colour,
      colorLight: `${identity.colour}33`,
      ...(picture ? { picture } : {}),
    });

  const show = () => {
    const people = peopleIn(session.awareness);
    const room = narrow.matches ? 2 : 4;
    const more = people.length - room;
    $('avatars').replaceChildren(
      ...people.slice(0, more > 0 ? room - 1 : room).map(avatar),
      ...(more > 0
        ? [h('span', { class: 'avatar more', 'aria-hidden': 'true', 'data-initials': `+${more + 1}` })]
        : []),
    );
    const programs = people.filter(({ program }) => program).length;
    const others = people.length - programs;
    const count =
      (others === 1 ? 'Only you are here' : `${others} people are here`) +
      (programs ? `, and ${counted(programs, 'program')}` : '');
    button.setAttribute('aria-label', `${count}. Show who, and set your name`);
    setText($('people-count'), count);
    $('people-list').replaceChildren(
      ...people.map((person) =>
        h(
          'li',
          {},
          avatar(person),
          h('span', { class: 'person-name' }, person.name),
          person.own && h('span', { class: 'you' }, 'you'),
        ),
      ),
    );
  };

  const open = (/** @type {boolean} */ opened) => {
    panel.hidden = !opened;
    button.setAttribute('aria-expanded', String(opened));
  };
  button.addEventListener('click', () => open(Boolean(panel.hidden)));
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || panel.hidden) return;
    if (panel.contains(document.activeElement)) button.focus();
    open(false);
  });
  document.addEventListener('pointerdown', ({ target }) => {
    if (!panel.hidden && !contains(panel, target) && !contains(button, target)) open(false);
  });
  panel.addEventListener('focusout', ({ relatedTarget }) => {
    if (relatedTarget && !contains(panel, relatedTarget) && relatedTarget !== button) open(false);
  });

  const name = $('own-name', HTMLInputElement);
  name.value = identity.name;
  name.maxLength = NAME_LIMIT;
  name.readOnly = fixedName;
  name.addEventListener('input', () => {
    const tidy = tidyName(name.value);
    if (!tidy) return;
    identity.name = tidy;
    memory.set('name', tidy);
    introduce();
  });
  name.addEventListener('blur', () => {
    name.value = identity.name;
  });
  name.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter') return;
    event.preventDefault();
    open(false);
    button.focus();
  });
  $('own-colours').append(
    ...COLOURS.map(([label, colour]) => {
      const choice = h('input', {
        type: 'radio',
        name: 'colour',
        value: colour,
        'aria-label': label,
        title: label,
        checked: colour === identity.colour,
        onchange: () => {
          identity.colour = colour;
          memory.set('colour', colour);
          introduce();
        },
      });
      choice.style.setProperty('--person', colour);
      return choice;
    }),
  );

  const begin = () => {
    session.awareness.on('change', show);
    introduce();
    show();
  };
  session.addEventListener('renewed', begin);
  narrow.addEventListener('change', show);
  begin();
}
