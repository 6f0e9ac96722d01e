/** A colour for each author, other than those of the others as far as there are enough. */
import { COLOURS } from './identity.js';
import { personColour } from './presence-names.js';

/** @import { HistoryAuthor } from './types.js' */

/** Of somebody unknown, and of everybody past the last colour. */
export const NO_COLOUR = '#64748b';

/**
 * A person and the programs with their tokens are two authors.
 * @param {HistoryAuthor} author
 */
const keyOf = ({ kind, id, name, relayed }) =>
  [kind === 'api_client' ? 'program' : 'person', name ?? id ?? '', relayed ? 'relayed' : ''].join(':');

export class AuthorColours {
  /** @param {() => { name: string, colour: string }[]} people who is here; their colours come first */
  constructor(people) {
    this.people = people;
    /** @type {Map<string, { author: HistoryAuthor, colour: string }>} */
    this.known = new Map();
    this.seen = '';
  }

  /** @param {HistoryAuthor} author */
  of(author) {
    if (author.kind === 'unknown') return NO_COLOUR;
    return (
      this.known.get(keyOf(author))?.colour ??
      this.give(author, personColour({ user_id: author.id, name: author.name }))
    );
  }

  /**
   * Gives an author the wanted colour, or another one where it is taken.
   * @param {HistoryAuthor} author
   * @param {string} wanted
   */
  give(author, wanted) {
    const people = this.people();
    const own = author.kind === 'api_client' ? undefined : people.find(({ name }) => name === author.name)?.colour;
    const others = people.filter(({ name, colour }) => name !== author.name && colour !== own);
    const taken = new Set([...this.known.values(), ...others].map(({ colour }) => colour));
    const all = [own ?? wanted, ...COLOURS.map(([, colour]) => colour)];
    const colour = all.find((each) => !taken.has(each)) ?? NO_COLOUR;
    this.known.set(keyOf(author), { author, colour });
    return colour;
  }

  /** Gives the colours anew when other people are here than before. Returns whether they are. */
  refresh() {
    const people = this.people();
    const seen = JSON.stringify(people.map(({ name, colour }) => [name, colour]));
    if (seen === this.seen) return false;
    this.seen = seen;
    const isHere = (/** @type {HistoryAuthor} */ { kind, name }) =>
      kind !== 'api_client' && people.some((person) => person.name === name);
    const before = [...this.known.values()].sort((a, b) => Number(isHere(b.author)) - Number(isHere(a.author)));
    this.known.clear();
    for (const { author, colour } of before) this.give(author, colour);
    return true;
  }
}
