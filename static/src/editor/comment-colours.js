/** The colours of the authors of comments: those that people have in the document while they are here. */
import { signal } from '@preact/signals';
import { AuthorColours } from '../lib/author-colours.js';
import { peopleIn } from './presence-panel.js';

/** @import { CommentAuthor } from '../lib/discussion-types.js' */
/** @import { Session } from './session.js' */

/**
 * @param {Session} session
 * @returns {(author: CommentAuthor) => string} a component that calls it is drawn again when colours change
 */
export function colourOfAuthors(session) {
  const colours = new AuthorColours(() => peopleIn(session.awareness).filter(({ program }) => !program));
  const changes = signal(0);
  const refresh = () => {
    if (colours.refresh()) changes.value += 1;
  };
  const follow = () => {
    session.awareness.on('change', refresh);
    refresh();
  };
  session.addEventListener('renewing', () => session.awareness.off('change', refresh));
  session.addEventListener('renewed', follow);
  follow();
  return ({ id, kind, name }) => {
    void changes.value;
    return colours.of({ id, kind: kind === 'app_user' ? 'guest' : kind, name, relayed: false });
  };
}
