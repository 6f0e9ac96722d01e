import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';

const stored = new Map();
globalThis.localStorage = new Proxy(
  {
    getItem: (key) => stored.get(key) ?? null,
    setItem: (key, value) => stored.set(key, value),
    removeItem: (key) => stored.delete(key),
  },
  {
    ownKeys: () => [...stored.keys()],
    getOwnPropertyDescriptor: () => ({ enumerable: true, configurable: true }),
  },
);
const deleted = [];
globalThis.indexedDB = { deleteDatabase: (name) => deleted.push(name) };

const kept = await import('../src/lib/kept-answers.js');
const { RequestError } = await import('../src/lib/request.js');
const { keptFor, parseListQuery } = await import('../src/lib/list-query.js');

const ada = { kind: 'user', id: 'ada', name: 'Ada', csrf_token: 'secret' };
const ben = { kind: 'user', id: 'ben', name: 'Ben', csrf_token: 'secret' };
const guest = { kind: 'guest', id: null, name: 'Guest' };
const doc = (id, more) => ({ id, address: id, title: `Title ${id}`, workspace_id: 'w', ...more });
const answer = (value) => async () => value;
const fail = (status) => async () => {
  throw new RequestError(status, '', '');
};
const names = () => [...stored.keys()].sort();

beforeEach(async () => {
  stored.clear();
  deleted.length = 0;
  await kept.keptPerson(answer(ada));
});

test('answers are given again while the server cannot be reached, and no token is kept', async () => {
  await kept.keptWorkspaces(answer({ items: [{ id: 'w' }], next_cursor: null }));
  kept.keepDocument(doc('d1'), 'plans');
  for (const status of [0, 502, 503, 504]) {
    assert.equal((await kept.keptPerson(fail(status))).name, 'Ada');
    assert.deepEqual((await kept.keptWorkspaces(fail(status))).items, [{ id: 'w' }]);
    for (const address of ['plans', 'd1']) assert.equal((await kept.keptDocument(address, fail(status))).id, 'd1');
  }
  assert.ok(![...stored.values()].some((value) => value.includes('secret')));
  await assert.rejects(kept.keptDocument('other', fail(0)), { status: 0 });
  await assert.rejects(kept.keptPerson(fail(500)), { status: 500 });
});

test('somebody else gets nothing of it, and deletes it', async () => {
  kept.keepDocument(doc('d1'), 'd1');
  stored.set('collab:copy:d1', 'ada').set('collab:generation:d1', '2').set('collab:id:plans', 'd1');
  stored.set('collab:copy:d2', 'ada').set('collab:unsent:d2', '1').set('collab:copy:d3', 'guest');
  await kept.keptPerson(answer(ben));
  assert.deepEqual(kept.keptDocuments(), []);
  assert.deepEqual(deleted, ['collab:d1']);
  assert.deepEqual(names(), [
    'collab:account',
    'collab:copy:d2',
    'collab:copy:d3',
    'collab:kept:ben:me',
    'collab:unsent:d2',
  ]);
  assert.deepEqual(kept.ownUnsent(), []);
  assert.equal(kept.isUnsent('d2'), false);
  await kept.keptPerson(answer(ada));
  assert.deepEqual(kept.ownUnsent(), ['d2']);
});

test('a session that has ended shows nothing, and keeps copies for the person who signs in again', async () => {
  kept.keepDocument(doc('d1'), 'd1');
  stored.set('collab:copy:d1', 'ada');
  await assert.rejects(kept.keptPerson(fail(401)), { status: 401 });
  assert.deepEqual(kept.keptDocuments(), []);
  await assert.rejects(kept.keptPerson(fail(0)), { status: 0 });
  await kept.keptPerson(answer(guest));
  assert.deepEqual(deleted, []);
  assert.equal(await kept.currentAccount(), 'guest');
});

test('signing out deletes all of the account, text that was not sent only where that is wanted', async () => {
  kept.keepDocument(doc('d1'), 'd1');
  stored
    .set('collab:copy:d1', 'ada')
    .set('collab:copy:d2', 'ada')
    .set('collab:unsent:d2', '1')
    .set('collab:theme', 'dark');
  stored.set('collab:commands', '["Workspace: Secret"]');
  kept.forgetAccount();
  assert.deepEqual(names(), ['collab:copy:d2', 'collab:theme', 'collab:unsent:d2']);
  // What another page of the account is answered late is not kept.
  kept.keepDocument(doc('d4'), 'd4');
  await kept.keptWorkspaces(answer({ items: [], next_cursor: null }));
  assert.deepEqual(names(), ['collab:copy:d2', 'collab:theme', 'collab:unsent:d2']);
  await kept.keptPerson(answer(ada));
  kept.forgetAccount({ unsentToo: true });
  assert.deepEqual(names(), ['collab:theme']);
  assert.deepEqual(deleted, ['collab:d1', 'collab:d2']);
});

test('a document that the server refuses is forgotten, at the latest a day later', async () => {
  for (const id of ['d1', 'd2', 'd3']) kept.keepDocument(doc(id), id);
  stored.set('collab:copy:d1', 'ada');
  await assert.rejects(kept.keptDocument('d1', fail(404)), { status: 404 });
  assert.deepEqual(deleted, ['collab:d1']);
  const key = 'collab:kept:ada:document:d2';
  stored.set(key, JSON.stringify({ ...JSON.parse(stored.get(key)), at: 1 }));
  const asked = [];
  const ask = async (id) => {
    asked.push(id);
    throw new RequestError(403, '', '');
  };
  await kept.checkKeptDocuments(ask);
  assert.deepEqual(asked, ['d2']);
  assert.deepEqual(
    kept.keptDocuments().map((each) => each.doc.id),
    ['d3'],
  );
});

test('so many documents are kept, those that were opened last', () => {
  for (let number = 0; number < 120; number += 1) {
    kept.keepDocument(doc(`d${number}`), `d${number}`);
    const key = `collab:kept:ada:document:d${number}`;
    stored.set(key, JSON.stringify({ ...JSON.parse(stored.get(key)), at: number }));
  }
  const found = kept.keptDocuments();
  assert.ok(found.length <= 101, String(found.length));
  assert.equal(found[0].doc.id, 'd119');
});

test('the list without a server has the kept documents that belong to it', () => {
  const all = [doc('a'), doc('b', { workspace_id: 'x', is_favourite: true }), doc('c', { is_template: true })];
  const shown = (search) =>
    keptFor(
      parseListQuery(search),
      'w',
      all.map((each) => ({ doc: each, address: each.id, at: 1 })),
    )?.map(({ id }) => id);
  assert.deepEqual(shown(''), ['a', 'c']);
  assert.deepEqual(shown('?view=recent'), ['a', 'b', 'c']);
  assert.deepEqual(shown('?view=templates'), ['c']);
  assert.deepEqual(shown('?q=title+C'), ['c']);
  assert.deepEqual(shown('?q=title&in=all'), ['a', 'b', 'c']);
  assert.equal(shown('?view=trash'), undefined);
  assert.equal(keptFor(parseListQuery(''), 'w', []), null);
});
