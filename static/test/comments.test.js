import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import * as Y from 'yjs';
import { keptAs } from '../src/lib/drafts.js';
import { placeCards } from '../src/lib/place-cards.js';
import { Suggesting } from '../src/editor/suggesting.js';
import { changesOf, editsOf, momentOf, movedTo, partsOf, typedSince } from '../src/editor/suggested-parts.js';
import { contentOf, mentionAt, textOf } from '../src/lib/mentions.js';
import { notificationWords } from '../src/lib/notification-words.js';
import { offsetOf, relativeRange } from '../src/lib/relative-positions.js';
import { RequestError } from '../src/lib/request.js';
import { CommentStore, threadsOf } from '../src/stores/comments.js';
import { NotificationStore } from '../src/stores/notifications.js';

const ANN = '0a6b2c8e-3d39-4c55-8a54-6a4e0f6d0c11';

const comment = (id, more = {}) => ({
  id,
  thread_id: id,
  parent_id: null,
  author: { id: null, kind: 'user', name: 'Ann' },
  mentions: [],
  reactions: [],
  unreachable: [],
  resolved: false,
  deleted: false,
  row_version: 1,
  created_at: `2026-01-01T00:00:0${id.length}Z`,
  anchor: null,
  ...more,
});
const changed = (id, more = {}) => ({
  entity_type: 'comment',
  entity_id: id,
  document_id: 'd',
  operation: 'update',
  ...more,
});
const about = (start) => ({ quote: 'words', start, end: start + 5, orphaned: false });

test('threads are in the order of the text, and those about the whole document come last', () => {
  const threads = threadsOf([
    comment('whole'),
    comment('late', { anchor: about(40) }),
    comment('early', { anchor: about(3) }),
    comment('reply', { thread_id: 'late', parent_id: 'late' }),
  ]);
  assert.deepEqual(
    threads.map(({ id, replies }) => [id, replies.length]),
    [
      ['early', 0],
      ['late', 1],
      ['whole', 0],
    ],
  );
});

test('a deleted thread stays only as long as it has replies', () => {
  const gone = comment('gone', { deleted: true });
  assert.deepEqual(threadsOf([gone]), []);
  assert.equal(threadsOf([gone, comment('reply', { thread_id: 'gone' })]).length, 1);
});

/** A store of the comments that the server has, and the requests that it has sent. */
function storeOf(server) {
  const sent = [];
  const store = new CommentStore({
    document: 'd',
    user: ANN,
    requests: {
      comments: async () => {
        sent.push('list');
        return { items: Object.values(server), next_cursor: null };
      },
      comment: async (id) => {
        sent.push(id);
        if (!server[id]) throw new RequestError(404, 'not_found', 'gone');
        return server[id];
      },
    },
  });
  return { store, sent };
}

test('an event reads one comment, and many events read the list', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const server = { a: comment('a'), b: comment('b') };
  const { store, sent } = storeOf(server);
  await store.load();
  server.a = comment('a', { resolved: true, row_version: 2 });
  store.apply(changed('a'));
  store.apply(changed('a'));
  store.apply(changed('x', { document_id: 'other' }));
  mock.timers.tick(1000);
  await new Promise(setImmediate);
  assert.deepEqual(sent, ['list', 'a']);
  assert.deepEqual(
    store.open.value.map(({ id }) => id),
    ['b'],
  );
  for (let number = 0; number < 20; number += 1) store.apply(changed(`n${number}`));
  mock.timers.tick(1000);
  await new Promise(setImmediate);
  assert.deepEqual(sent, ['list', 'a', 'list']);
  mock.timers.reset();
});

test('an event that arrives while comments are read is not lost', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const server = { a: comment('a') };
  const { store, sent } = storeOf(server);
  await store.load();
  store.apply(changed('a'));
  mock.timers.tick(1000);
  server.b = comment('b');
  store.apply(changed('b'));
  await new Promise(setImmediate);
  mock.timers.tick(1000);
  await new Promise(setImmediate);
  assert.deepEqual(sent, ['list', 'a', 'b']);
  mock.timers.reset();
});

test('a comment that is gone leaves the list, and an older answer changes nothing', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const server = { a: comment('a', { row_version: 3 }) };
  const { store } = storeOf(server);
  await store.load();
  store.put(comment('a', { resolved: true, row_version: 2 }));
  assert.equal(store.comments.value.get('a').resolved, false);
  delete server.a;
  store.apply(changed('a', { operation: 'delete' }));
  mock.timers.tick(1000);
  await new Promise(setImmediate);
  assert.equal(store.comments.value.size, 0);
  mock.timers.reset();
});

test('mine are threads that one wrote in or is mentioned in', async () => {
  const { store } = storeOf({
    a: comment('a', { author: { id: ANN } }),
    b: comment('b', { mentions: [{ id: ANN }] }),
    c: comment('c'),
    reply: comment('reply', { thread_id: 'c', author: { id: ANN } }),
    d: comment('d'),
  });
  await store.load();
  assert.deepEqual(
    store.find('mine').map(({ id }) => id),
    ['a', 'b', 'c'],
  );
});

test('cards keep their order without an overlap, and the chosen one has its place', () => {
  const cards = [
    { wanted: 0, height: 50 },
    { wanted: 10, height: 50 },
    { wanted: 12, height: 50 },
    { wanted: 400, height: 50 },
  ];
  assert.deepEqual(placeCards(cards, -1), [0, 60, 120, 400]);
  assert.deepEqual(placeCards(cards, 2), [-108, -48, 12, 400]);
  assert.deepEqual(placeCards([], -1), []);
});

test('mentions are names while they are typed, and ids in the content', () => {
  const named = [
    { id: ANN, name: 'Ann' },
    { id: ANN.replace('0a', '1b'), name: 'Ann [Ops] Lee' },
  ];
  const content = contentOf('Ask @Ann, or @Ann [Ops] Lee; a@Anna', named);
  assert.equal(content, `Ask @[Ann](user:${ANN}), or @[Ann \\[Ops\\] Lee](user:${named[1].id}); a@[Ann](user:${ANN})a`);
  assert.equal(textOf(content).text, 'Ask @Ann, or @Ann [Ops] Lee; a@Anna');
  assert.deepEqual(mentionAt('Hello @be', 9), { from: 6, q: 'be' });
  assert.deepEqual(mentionAt('@', 1), { from: 0, q: '' });
  assert.equal(mentionAt('mail me@home', 12), null);
  assert.equal(mentionAt('@ben said so and left', 21), null);
});

test('relative positions follow the text, and text typed at the edges stays outside', () => {
  const doc = new Y.Doc();
  const text = doc.getText('content');
  text.insert(0, 'one two three');
  const { relative_start: start, relative_end: end } = relativeRange(text, 4, 7);
  const range = () => [offsetOf(doc, text, start), offsetOf(doc, text, end)];
  text.insert(7, '!');
  text.insert(4, '?');
  text.insert(0, 'zero ');
  assert.deepEqual(range(), [10, 13]);
  text.delete(10, 3);
  assert.deepEqual(range(), [10, 10]);
  assert.equal(offsetOf(doc, text, 'garbage'), null);
});

test('the parts of a copy are what it inserts and deletes, also while the original changes', () => {
  const original = new Y.Doc();
  original.getText('content').insert(0, 'The price is low.');
  const copy = new Y.Doc({ gc: false });
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(original));
  const text = copy.getText('content');
  text.delete(4, 5);
  text.insert(4, 'cost');
  original.getText('content').insert(17, ' Now.');
  original.getText('content').delete(0, 4);
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(original));
  assert.deepEqual(partsOf(original, text), [
    { kind: 'deleted', text: 'price' },
    { kind: 'inserted', text: 'cost' },
    { kind: 'kept', text: ' is low. Now.' },
  ]);
});

const textWith = (content, { client = 1 } = {}) => {
  const doc = new Y.Doc({ gc: false });
  doc.clientID = client;
  doc.getText('content').insert(0, content);
  return doc.getText('content');
};
/** A copy of a text that somebody else types into. */
const copyOf = (text, client = 2) => {
  const doc = new Y.Doc({ gc: false });
  doc.clientID = client;
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(text.doc));
  return doc.getText('content');
};
/** The text after each passage that is there once has been replaced. */
const replaced = (text, edits) =>
  edits.reduce((result, { find, replace }) => {
    assert.equal(result.split(find).length, 2, `${find} is there once`);
    return result.replace(find, () => replace);
  }, text);

test('what is typed into a copy becomes changes of the text', () => {
  const original = textWith('Buy green apples.');
  const copied = copyOf(original);
  copied.delete(4, 5);
  copied.insert(4, 'red');
  copied.insert(0, 'Please: ');
  assert.deepEqual(changesOf(partsOf(original.doc, copied)), [
    { start: 0, end: 0, text: 'Please: ' },
    { start: 4, end: 9, text: 'red' },
  ]);
  copied.delete(0, copied.length);
  assert.deepEqual(changesOf(partsOf(original.doc, copied)), [{ start: 0, end: 17, text: '' }]);
});

test('edits name passages that are in the text once, and leave the rest to others', () => {
  const line = 'The same line again and again and again.\n';
  const text = line.repeat(20) + 'One 🌳 more.\n' + line.repeat(20);
  const at = text.indexOf('more');
  const changes = [{ start: at, end: at + 4, text: 'less' }];
  const edits = editsOf(text, changes);
  assert.equal(replaced(text, edits), text.replace('more', 'less'));
  assert.ok(edits[0].find.length < 100, `a short passage: ${edits[0].find.length}`);
  assert.equal(edits[0].find, edits[0].find.toWellFormed());

  const many = [0, 3, 30, 41 * 10 + 5, text.length].map((start, n) => ({
    start,
    end: Math.min(start + 2, text.length),
    text: `<${n}>`,
  }));
  let wanted = text;
  for (const { start, end, text: inserted } of many.toReversed())
    wanted = wanted.slice(0, start) + inserted + wanted.slice(end);
  assert.equal(replaced(text, editsOf(text, many)), wanted);
  assert.deepEqual(editsOf('aaaa', [{ start: 2, end: 2, text: 'b' }]), [{ find: 'aaaa', replace: 'aabaa' }]);
});

test('what was typed since it was sent is told from what others did', () => {
  const original = textWith('Buy green apples.');
  const copied = copyOf(original);
  copied.insert(3, ' ten');
  const moment = momentOf(copied);
  assert.deepEqual(typedSince(original.doc, copied, moment), []);
  original.insert(0, 'Soon: ');
  Y.applyUpdate(copied.doc, Y.encodeStateAsUpdate(original.doc));
  assert.deepEqual(typedSince(original.doc, copied, moment), []);
  copied.insert(copied.toString().indexOf(' green'), ' or twelve');
  original.delete(original.toString().indexOf('apples'), 6);
  Y.applyUpdate(copied.doc, Y.encodeStateAsUpdate(original.doc));
  assert.deepEqual(typedSince(original.doc, copied, moment), [{ start: 7, end: 7, text: ' or twelve' }]);
});

test('a change moves with the words around it, and has no place where they are gone', () => {
  const change = { start: 8, end: 9, text: 'X' };
  const text = 'alpha, beta, gamma';
  assert.equal(movedTo(text, change, text), change);
  assert.deepEqual(movedTo(text, change, `Before ${text} after`), { start: 15, end: 16, text: 'X' });
  assert.equal(movedTo(text, change, 'alpha, gamma'), null);
  assert.equal(movedTo(text, change, `${text} ${text}`), null);
});

test('drafts stay while a field is drawn anew, and an empty one is forgotten', () => {
  const draft = { text: 'Hi @Ann', named: [{ id: ANN, name: 'Ann' }] };
  keptAs('thread').keep(draft);
  assert.deepEqual([keptAs('thread').kept, keptAs('other').kept], [draft, undefined]);
  keptAs('thread').keep({ text: '', named: [] });
  assert.equal(keptAs('thread').kept, undefined);
});

/** A session of a document that nobody else has open. */
function sessionOf(text, more) {
  const session = new EventTarget();
  return Object.assign(session, {
    doc: text.doc,
    text,
    proposal: null,
    details: { id: 'd' },
    status: { dirty: false, link: 'up' },
    isRenewing: false,
    ...more,
  });
}

test('somebody who stops while the document is replaced is told, and loses nothing', async () => {
  const session = sessionOf(textWith('Buy apples.'));
  const suggesting = new Suggesting(session, { isGuest: true, giveBack: assert.fail });
  suggesting.begin();
  session.proposal.text.insert(0, 'Please. ');
  session.isRenewing = true;
  assert.equal(await suggesting.stop(), false);
  assert.notEqual(suggesting.problem.value, '');
  assert.equal(session.proposal.text.toString(), 'Please. Buy apples.');
  const copy = new Y.Doc();
  copy.getText('content').insert(0, 'Buy apples.');
  Object.assign(session, { doc: copy, text: copy.getText('content'), isRenewing: false });
  session.dispatchEvent(new Event('renewed'));
  assert.equal(session.proposal.text.toString(), 'Please. Buy apples.');
  assert.equal(suggesting.isDirty.value, true);
});

test('an error of the page does not keep later suggestions from being sent', async () => {
  const reported = [];
  globalThis.reportError = (error) => reported.push(error);
  const session = sessionOf(textWith('Buy apples.'));
  const suggesting = new Suggesting(session, { isGuest: true, giveBack: assert.fail });
  suggesting.begin();
  session.proposal.text.insert(0, 'Please. ');
  const broken = new Error('broken');
  await suggesting.inTurn(() => Promise.reject(broken));
  assert.deepEqual(reported, [broken]);
  let isRun = false;
  await suggesting.inTurn(async () => {
    isRun = true;
  });
  assert.ok(isRun);
});

test('a notification says who did what where', () => {
  const item = {
    kind: 'comment',
    count: 3,
    actors: [{ name: 'Ann' }, { name: 'Ben' }, { name: 'Cleo' }],
    document: { title: 'Plan' },
  };
  const said = (/** @type {any} */ each) => Object.values(notificationWords(each)).join(' ').trim();
  assert.equal(said(item), 'Ann, Ben and 1 other wrote 3 comments in Plan');
  assert.equal(said({ ...item, kind: 'share', actors: [{ name: 'Ann' }] }), 'Ann shared Plan with you');
  assert.equal(said({ ...item, kind: 'access_request', actors: [{ name: 'Ben' }] }), 'Ben asks for access to Plan');
  assert.equal(
    notificationWords({ kind: 'role', count: 1, actors: [], document: null, workspace: { name: 'Team' } }).where,
    'Team',
  );
});

test('the unread count follows events, and tells of what is new', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let count = 2;
  const news = [];
  const store = new NotificationStore({
    onError: assert.fail,
    onCount: (before, now) => news.push([before, now]),
    requests: { unread: async () => ({ count }), notifications: async () => ({ items: [], next_cursor: null }) },
  });
  await store.count();
  count = 3;
  store.apply({ entity_type: 'notification' });
  store.apply({ entity_type: 'notification' });
  store.apply({ entity_type: 'document' });
  mock.timers.tick(1000);
  await new Promise(setImmediate);
  assert.deepEqual([store.unread.value, news], [3, [[2, 3]]]);
  mock.timers.reset();
});
