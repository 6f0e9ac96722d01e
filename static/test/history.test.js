import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { byWords } from '../src/lib/difference.js';
import { authorName, authorNames, dayOf, summaryOf } from '../src/lib/history-words.js';
import { endOf, nameOf } from '../src/lib/moments.js';
import { HistoryStore } from '../src/stores/history.js';

/** Lets promises go on. */
const settled = () => new Promise(setImmediate);

const at = (minutes) => new Date(Date.UTC(2026, 0, 5, 9, minutes)).toISOString();
const ada = { id: 'a', kind: 'user', name: 'Ada', relayed: false };
const version = (number, minutes, more = {}) => ({
  number,
  kind: 'manual',
  label: null,
  seq: minutes,
  authors: [ada],
  created_at: at(minutes),
  ...more,
});
const session = (from, to) => ({
  author: ada,
  first_at: at(from),
  last_at: at(to),
  from_seq: from,
  to_seq: to,
  inserted: 1,
  deleted: 0,
});
const page = (items, next_cursor = null) => ({ items, next_cursor });

/** A store of pages by cursor, and the cursors that it has asked for. */
function storeWith(versions, sessions) {
  const sent = [];
  const answer =
    (name, pages) =>
    async (_id, { cursor }) => {
      sent.push(`${name} ${cursor}`);
      return pages[cursor ?? 'first'];
    };
  const store = new HistoryStore({
    document: 'd',
    fetchVersions: answer('versions', versions),
    fetchSessions: answer('sessions', sessions),
  });
  return { store, sent };
}
const keys = (store) => store.entries.value.map((entry) => nameOf(endOf(entry).point));

test('versions and sessions are one list, the newest first', async () => {
  const { store } = storeWith(
    { first: page([version(2, 30), version(1, 10)]) },
    { first: page([session(20, 30), session(5, 9)]) },
  );
  assert.deepEqual(keys(store), []);
  await store.load();
  assert.deepEqual(keys(store), ['2', 'seq:30', '1', 'seq:9']);
  assert.equal(store.hasMore.value, false);
});

test('what is older than the end of the shorter list waits for its next page', async () => {
  const { store, sent } = storeWith(
    { first: page([version(2, 50), version(1, 1)]) },
    { first: page([session(40, 40)], 'next'), next: page([session(30, 30)]) },
  );
  await store.load();
  assert.deepEqual(keys(store), ['2', 'seq:40']);
  assert.equal(store.hasMore.value, true);
  sent.length = 0;
  await store.loadMore();
  assert.deepEqual(sent, ['sessions next']);
  assert.deepEqual(keys(store), ['2', 'seq:40', 'seq:30', '1']);
  assert.equal(store.hasMore.value, false);
});

test('events of this document and its versions cause a request, and others none', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { store, sent } = storeWith({ first: page([version(1, 10)]) }, { first: page([]) });
  await store.load();
  sent.length = 0;
  store.apply({ entity_type: 'version', document_id: 'other' });
  store.apply({ entity_type: 'document', document_id: 'other' });
  store.apply({ entity_type: 'favourite', document_id: 'd' });
  mock.timers.tick(20000);
  assert.deepEqual(sent, []);
  store.apply({ entity_type: 'document', document_id: 'd' });
  store.apply({ entity_type: 'document', document_id: 'd' });
  mock.timers.tick(20000);
  await settled();
  assert.deepEqual(sent, ['versions null', 'sessions null']);
  sent.length = 0;
  store.apply({ entity_type: 'version', document_id: 'd' });
  mock.timers.tick(20000);
  await settled();
  assert.deepEqual(sent, ['versions null', 'sessions null']);
  mock.timers.reset();
});

test('the point before an entry is the version before, the row before, or the beginning', async () => {
  const { store } = storeWith(
    { first: page([version(3, 30)], 'next'), next: page([version(1, 10)]) },
    { first: page([session(20, 25)]) },
  );
  await store.load();
  const [newest] = store.entries.value;
  assert.equal(await store.pointBefore(newest), '1');
  const [, edits, oldest] = store.entries.value;
  assert.equal(await store.pointBefore(edits), 'seq:19');
  assert.equal(await store.pointBefore(oldest), 'seq:0');
});

test('a failure is told, and a new attempt clears it', async () => {
  let broken = true;
  const { RequestError } = await import('../src/lib/request.js');
  const store = new HistoryStore({
    document: 'd',
    fetchVersions: async () => page([]),
    fetchSessions: async () => {
      if (broken) throw new RequestError(503, 'unavailable', 'Not now.');
      return page([]);
    },
  });
  await store.load();
  assert.equal(store.problem.value, 'Not now.');
  assert.equal(store.loaded.value, false);
  broken = false;
  await store.load();
  assert.equal(store.problem.value, '');
  assert.equal(store.loaded.value, true);
});

test('authors, days and numbers of lines are told as people tell them', () => {
  assert.equal(authorName(ada), 'Ada');
  assert.equal(authorName({ ...ada, name: null }), 'Somebody');
  assert.equal(authorName({ ...ada, kind: 'guest', name: 'Heron', relayed: true }), 'Delivered by Heron (guest)');
  assert.equal(authorNames([ada, ada, { ...ada, kind: 'unknown' }]), 'Ada and Somebody unknown');
  const now = new Date(2026, 0, 5, 12);
  assert.equal(dayOf(new Date(2026, 0, 5, 1).toISOString(), now), 'Today');
  assert.equal(dayOf(new Date(2026, 0, 4, 23).toISOString(), now), 'Yesterday');
  assert.equal(dayOf(new Date(2025, 11, 31).toISOString(), now), 'December 31, 2025');
  assert.equal(summaryOf({ added: 2, removed: 1, modified: 0 }), '2 lines added, 1 line removed');
});

test('differences replace whole words, and both texts stay the same', () => {
  const piece = (operation, text) => ({ operation, text, author: null });
  const given = [
    piece('equal', 'We plant '),
    piece('delete', 'appl'),
    piece('insert', 'cherri'),
    piece('equal', 'es.'),
  ];
  const shown = byWords(given);
  assert.deepEqual(
    shown.map(({ text }) => text),
    ['We plant ', 'apples', 'cherries', '.'],
  );
  for (const left of ['insert', 'delete']) {
    const join = (pieces) => pieces.flatMap(({ operation, text }) => (operation === left ? [] : [text])).join('');
    assert.equal(join(shown), join(given));
  }
  const added = [piece('equal', 'apple'), piece('insert', 's'), piece('equal', ' grow')];
  assert.deepEqual(byWords(added), added);
});
