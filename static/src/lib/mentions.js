/** Mentions in the text of a comment: `@Name` while it is typed, `@[Name](user:ID)` in its content. */

/** @typedef {{ id: string, name: string }} Named */

const MENTION = /@\[((?:[^\]\\]|\\.)*)\]\(user:([0-9a-f-]{36})\)/gi;
/** Letters of a name that is looked for. */
const LONGEST = 40;

/** @param {string} name */
const escaped = (name) => name.replace(/[\\[\]]/g, '\\$&');

/**
 * The content for a text in which these people are named. The longest name wins where one begins another.
 * @param {string} text
 * @param {Named[]} named
 */
export function contentOf(text, named) {
  const longest = named.toSorted((a, b) => b.name.length - a.name.length);
  let content = '';
  let at = 0;
  while (at < text.length) {
    const person = text[at] === '@' ? longest.find(({ name }) => text.startsWith(name, at + 1)) : undefined;
    content += person ? `@[${escaped(person.name)}](user:${person.id})` : text[at];
    at += person ? person.name.length + 1 : 1;
  }
  return content;
}

/**
 * The text for a content, and the people who are named in it.
 * @param {string} content
 */
export function textOf(content) {
  /** @type {Named[]} */
  const named = [];
  const text = content.replace(MENTION, (_all, escapedName, id) => {
    const name = escapedName.replace(/\\(.)/g, '$1');
    named.push({ id, name });
    return `@${name}`;
  });
  return { text, named };
}

/**
 * The beginning of a name before the cursor, and where its "@" is; null where no name is typed.
 * @param {string} text
 * @param {number} cursor
 */
export function mentionAt(text, cursor) {
  const from = text.lastIndexOf('@', cursor - 1);
  if (from < 0 || cursor - from > LONGEST || /[\p{L}\p{N}]/u.test(text[from - 1] ?? '')) return null;
  const q = text.slice(from + 1, cursor);
  return /^[^\n@]*$/.test(q) && !/\s\s|^\s/.test(q) && q.split(' ').length <= 3 ? { from, q } : null;
}
