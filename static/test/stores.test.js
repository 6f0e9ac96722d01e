import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { parseListQuery } from '../src/lib/list-query.js';
import { DocumentStore } from '../src/stores/documents.js';
import { MemberStore } from '../src/stores/members.js';
import { PAGE_SIZE } from '../src/stores/paged-store.js';
import { PresenceFollower } from '../src/stores/presence.js';

const doc = (id, more = {}) => ({ id, workspace_id: 'w', title: id, row_version: 1, ...more });
const changed = (id, more = {}) => ({
  entity_type: 'document',
  entity_id: id,
  document_id: id,
  workspace_id: 'w',
  operation: 'update',
  row_version: 2,
  ...more,
});

/** A store, and the requests that it has sent. `answer` returns the page for a query. */
function storeWith(answer, search = '') {
  const sent = [];
  const errors = [];
  const store = new DocumentStore({
    workspace: 'w',
    person: 'p',
    query: parseListQuery(search),
    onError: (error) => errors.push(error),
    send: async (path, { query }) => {
      sent.push({ path, ...query });
      return answer(query, sent.length);
    },
  });
  return { store, sent, errors };
}

const ids = (store) => store.items.value.map(({ id }) => id);
const page = (...items) => ({ items, next_cursor: null });

test('a deleted document leaves the list at once, and events that arrive together cause one request', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { store, sent } = storeWith((_, number) =>
    number === 1 ? page(doc('a'), doc('b')) : page(doc('c'), doc('b')),
  );
  await store.load();
  store.apply(changed('a', { operation: 'delete' }));
  store.apply(changed('c', { operation: 'create' }));
  assert.deepEqual(ids(store), ['b']);
  assert.equal(sent.length, 1);
  mock.timers.tick(1000);
  await Promise.resolve();
  mock.timers.reset();
  await new Promise(setImmediate);
  assert.equal(sent.length, 2);
  assert.deepEqual(ids(store), ['c', 'b']);
});

test('events of other workspaces, of other entities and of a version that is shown cause no request', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { store, sent } = storeWith(() => page(doc('a', { row_version: 2 })));
  await store.load();
  store.apply(changed('a'));
  store.apply(changed('x', { workspace_id: 'other' }));
  store.apply(changed('m', { entity_type: 'member' }));
  store.apply(changed('v', { entity_type: 'version', document_id: 'a', operation: 'create', row_version: 9 }));
  mock.timers.tick(60000);
  mock.timers.reset();
  assert.equal(sent.length, 1);
});

test('a change during the first request is not lost', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  const { store, sent } = storeWith(() => page(doc('a')));
  const loading = store.load();
  store.resync();
  await loading;
  mock.timers.tick(1000);
  mock.timers.reset();
  await settled();
  assert.equal(sent.length, 2);
});

test('the next page is added without doubles', async () => {
  const first = Array.from({ length: PAGE_SIZE }, (_, number) => doc(`d${number}`));
  const { store } = storeWith(({ cursor }) =>
    cursor ? page(doc('d29'), doc('last')) : { items: first, next_cursor: 'next' },
  );
  await store.load();
  await store.loadMore();
  assert.equal(store.items.value.length, PAGE_SIZE + 1);
  assert.equal(store.cursor.value, null);
});

test('a refresh waits for the next page, and the next page for a refresh', async () => {
  const first = Array.from({ length: PAGE_SIZE }, (_, number) => doc(`d${number}`));
  const releases = [];
  const { store } = storeWith(async ({ cursor, limit }) => {
    await new Promise((release) => {
      releases.push(release);
    });
    if (cursor) return page(doc('last'));
    return limit > PAGE_SIZE ? page(doc('new'), ...first, doc('last')) : { items: first, next_cursor: 'next' };
  });
  const release = async () => {
    while (releases.length === 0) await settled();
    releases.shift()();
    await settled();
  };
  const loading = store.load();
  await release();
  await loading;
  const more = store.loadMore();
  const refreshed = store.refresh();
  await settled();
  assert.equal(releases.length, 1);
  await release();
  await more;
  assert.equal(ids(store).at(-1), 'last');
  await release();
  await refreshed;
  assert.equal(ids(store)[0], 'new');
});

test('the answer to an older query is ignored, and old rows stay until the new ones arrive', async () => {
  let release;
  const slow = new Promise((resolve) => {
    release = resolve;
  });
  const { store } = storeWith(({ q }) => (q === 'slow' ? slow : page(doc(q ?? 'all'))));
  await store.load();
  const older = store.ask(parseListQuery('?q=slow'));
  assert.deepEqual(ids(store), ['all']);
  assert.equal(store.shownQuery.value.q, '');
  await store.ask(parseListQuery('?q=new'));
  release(page(doc('slow')));
  await older;
  assert.deepEqual(ids(store), ['new']);
  assert.equal(store.shownQuery.value.q, 'new');
});

test('presence changes only the rows of documents in which somebody came or went', async () => {
  const { store } = storeWith(() => page(doc('a', { people: 1, present: [{ user_id: 'u', name: 'Ann' }] }), doc('b')));
  await store.load();
  const before = store.items.value;
  const [, second] = before;
  store.showPresence([]);
  assert.deepEqual(
    store.items.value.map(({ people = 0 }) => people),
    [0, 0],
  );
  assert.equal(store.items.value[1], second);
  const after = store.items.value;
  store.showPresence([]);
  assert.equal(store.items.value, after);
});

test('rows that arrive later show the people that were last read', async () => {
  const { store } = storeWith(() => page(doc('a', { people: 1, present: [{ user_id: 'u', name: 'Ann' }] }), doc('b')));
  store.showPresence([{ document_id: 'b', people: 1, present: [{ user_id: 'v', name: 'Ben' }] }]);
  await store.load();
  assert.deepEqual(
    store.items.value.map(({ people, present }) => [people, present.map(({ name }) => name)]),
    [
      [0, []],
      [1, ['Ben']],
    ],
  );
});

/** A follower of presence, its open requests, what it has shown, and the end of its present pause. */
function followPresence() {
  const requests = [];
  const shown = [];
  const pauses = [];
  const follower = new PresenceFollower({
    workspace: 'w',
    show: (present) => shown.push(...present),
    fetchPresence: () => new Promise((resolve, reject) => requests.push({ resolve, reject })),
    pause: () => new Promise((resolve) => pauses.push(resolve)),
  });
  const endPause = async () => {
    await settled();
    assert.equal(pauses.length, 1);
    pauses.pop()();
    await settled();
  };
  return { follower, requests, shown, endPause };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test('presence is read after events of the workspace: one request at a time, and one more for all later ones', async () => {
  const { follower, requests, shown, endPause } = followPresence();
  follower.presenceChanged({ workspace_id: 'other', document_id: 'a' });
  follower.apply();
  assert.equal(requests.length, 0);
  follower.presenceChanged({ workspace_id: 'w', document_id: 'a' });
  follower.presenceChanged({ workspace_id: 'w', document_id: 'b' });
  follower.presenceChanged(null);
  assert.equal(requests.length, 1);
  requests[0].resolve({ items: ['first'] });
  await settled();
  assert.equal(requests.length, 1);
  await endPause();
  assert.equal(requests.length, 2);
  requests[1].resolve({ items: ['second'] });
  await settled();
  follower.presenceChanged(null);
  assert.equal(requests.length, 2);
  await endPause();
  assert.equal(requests.length, 3);
  requests[2].resolve({ items: ['third'] });
  await endPause();
  assert.equal(requests.length, 3);
  assert.deepEqual(shown, ['first', 'second', 'third']);
});

test('presence that could not be read is read after the next sign', async () => {
  const { follower, requests, shown, endPause } = followPresence();
  follower.resync();
  requests[0].reject(new Error('unreachable'));
  await endPause();
  assert.equal(requests.length, 1);
  follower.resync();
  requests[1].resolve({ items: ['back'] });
  await settled();
  assert.deepEqual(shown, ['back']);
});

test('a long list keeps the rows of later pages, unless the answer is the whole list', async () => {
  const docs = Array.from({ length: 230 }, (_, number) => doc(`d${number}`));
  let count = docs.length;
  const { store } = storeWith(({ cursor, limit }) => {
    const from = Number(cursor ?? 0);
    const until = Math.min(from + limit, count);
    return { items: docs.slice(from, until), next_cursor: until < count ? String(until) : null };
  });
  await store.load();
  while (store.cursor.value) await store.loadMore();
  assert.equal(ids(store).length, 230);
  await store.refresh();
  assert.equal(ids(store).length, 230);
  count = 150;
  await store.refresh();
  assert.equal(ids(store).length, 150);
});

test('a failed request is reported and leaves the rows', async () => {
  let fails = false;
  const { store, errors } = storeWith(() => {
    if (fails) throw new Error('unreachable');
    return page(doc('a'));
  });
  await store.load();
  fails = true;
  await store.refresh();
  assert.equal(errors.length, 1);
  assert.deepEqual(ids(store), ['a']);
});

test('members are read again after a change of membership in their workspace', async () => {
  mock.timers.enable({ apis: ['setTimeout', 'Date'] });
  let requests = 0;
  const fetchMembers = async () => {
    requests += 1;
    return page({ user_id: 'u', email: 'a@example.com', role: 'editor' });
  };
  const store = new MemberStore({ workspace: 'w', onError: () => {}, fetchMembers });
  await store.load();
  store.apply(changed('u', { entity_type: 'member', workspace_id: 'other' }));
  store.apply(changed('u', { entity_type: 'document' }));
  mock.timers.tick(1000);
  assert.equal(requests, 1);
  store.apply(changed('u', { entity_type: 'member' }));
  mock.timers.tick(1000);
  mock.timers.reset();
  await settled();
  assert.equal(requests, 2);
});
