/** What a notification says. */
import { counted } from './format.js';

/** @import { Notification } from './discussion-types.js' */

/** @param {Notification} item */
function actorsOf({ actors }) {
  const names = actors.map(({ name }) => name ?? 'Somebody');
  if (names.length === 0) return 'Somebody';
  if (names.length <= 2) return names.join(' and ');
  return `${names[0]}, ${names[1]} and ${counted(names.length - 2, 'other')}`;
}

/** @type {Record<string, (count: number) => string>} */
const DONE = {
  comment: (count) => (count > 1 ? `wrote ${counted(count, 'comment')} in` : 'commented on'),
  reply: (count) => (count > 1 ? `replied ${count} times in` : 'replied in'),
  mention: () => 'mentioned you in',
  reaction: () => 'reacted to your comment in',
  resolved: () => 'resolved a thread in',
  suggestion: () => 'suggested a change in',
  document_changed: () => 'edited',
  share: () => 'shared',
  access_request: () => 'asks for access to',
  membership: () => 'added you to',
  role: () => 'changed your role in',
  invitation: () => 'invited you to',
  storage: () => 'more than 80 % is used in',
};

/**
 * Who did what, and where. `then`: what follows the name of the place.
 * @param {Notification} item
 */
export const notificationWords = (item) => ({
  who: item.kind === 'storage' ? 'Storage:' : actorsOf(item),
  did: (DONE[item.kind] ?? (() => 'changed'))(item.count),
  where: item.document ? item.document.title || 'Untitled' : (item.workspace?.name ?? ''),
  then: item.kind === 'share' ? 'with you' : '',
});
