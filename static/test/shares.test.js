import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { parseListQuery, requestFor } from '../src/lib/list-query.js';
import { findOpened, forgetOpened, isId, keepOpened } from '../src/lib/opened-links.js';
import { permissionOptions } from '../src/lib/permissions.js';
import { RequestError, dropLink, request, useCsrfToken, useLink, withLink } from '../src/lib/request.js';
import { dateOf, endOf, linkWords, othersOf, personWords } from '../src/lib/share-words.js';
import { ShareStore } from '../src/stores/shares.js';

const ID = '0f7c3c36-6c0e-4b58-9a55-0f3b5f7f6d11';

/** A server that answers `answer(path, token of the link)`: a status and a body. */
function serverOf(answer) {
  const asked = [];
  globalThis.location = { origin: 'http://localhost:8000' };
  globalThis.fetch = async (url, { headers }) => {
    const path = url.pathname.replace('/api/v1/', '');
    const token = headers['X-Share-Token'];
    asked.push([path, token]);
    const [status, body] = answer(path, token);
    return new Response(JSON.stringify(body), { status });
  };
  return asked;
}

const ended = [401, { code: 'share_ended', detail: 'the link was revoked' }];

test('requests carry the link until it has ended, then those of somebody who is signed in go on without it', async () => {
  useCsrfToken(null);
  const asked = serverOf((path, token) => {
    if (path === 'auth/me') return [200, { kind: token ? 'connect' : 'user', csrf_token: 'known' }];
    return token ? ended : [200, { id: ID }];
  });
  let dropped = 0;
  useLink({ token: 'opened', dropped: () => (dropped += 1) });
  assert.equal(withLink('/api/v1/x?width=1'), '/api/v1/x?width=1&share=opened');
  assert.deepEqual(await Promise.all([request('documents/1'), request('documents/2')]), [{ id: ID }, { id: ID }]);
  assert.equal(dropped, 1);
  assert.equal(withLink('/api/v1/x'), '/api/v1/x');
  assert.deepEqual(asked[0], ['documents/1', 'opened']);
  assert.deepEqual(asked.at(-1), ['documents/2', undefined]);
  assert.equal(await dropLink(), false, 'there is none');
  useCsrfToken(null);
});

test('a guest is told that the link has ended, and never goes on without it', async () => {
  const asked = serverOf((path, token) => {
    if (path === 'auth/me') return token ? [200, { kind: 'connect' }] : [200, { kind: 'guest' }];
    return token ? ended : [200, { id: ID }];
  });
  useLink({ token: 'opened', dropped: () => assert.fail('it was dropped') });
  await assert.rejects(
    request('documents/1'),
    (error) => error instanceof RequestError && error.code === 'share_ended',
  );
  await assert.rejects(request('documents/1'), { status: 401 });
  assert.ok(asked.every(([path, token]) => path === 'auth/me' || token === 'opened'));
  useLink(null);
});

test('an opened link is kept for the tab and for its document until its time is over', () => {
  const kept = new Map();
  globalThis.sessionStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
  const opened = { token: 't', named: true, expires_at: new Date(Date.now() + 60000).toISOString() };
  keepOpened(ID, opened);
  assert.deepEqual(findOpened(ID.toUpperCase()), opened);
  assert.equal(findOpened('0f7c3c36-6c0e-4b58-9a55-0f3b5f7f6d12'), null);
  keepOpened(ID, { ...opened, expires_at: new Date(Date.now() - 1).toISOString() });
  assert.equal(findOpened(ID), null);
  kept.set(`collab:link:${ID}`, '{broken');
  assert.equal(findOpened(ID), null);
  forgetOpened(ID);
  assert.equal(kept.size, 0);
  assert.ok(isId(ID));
  assert.ok(!isId('@team/plan'));
});

test('an end is so many days away, or the end of a day', () => {
  const now = Date.parse('2026-11-30T08:00:00Z');
  assert.equal(endOf('', '2026-12-31', now), null);
  assert.equal(endOf('7', '', now), '2026-12-07T08:00:00.000Z');
  assert.equal(endOf('date', '', now), null);
  const end = endOf('date', '2026-12-31', now);
  assert.equal(dateOf(end), '2026-12-31');
  assert.ok(new Date(end).getTime() > new Date(2026, 11, 31, 23, 59).getTime());
});

const link = {
  access_count: 0,
  max_uses: null,
  last_accessed_at: null,
  has_password: false,
  expires_at: null,
  expired: false,
};

test('a link says how often it was opened and how long it works', () => {
  const now = Date.parse('2026-11-30T08:00:00Z');
  assert.equal(linkWords(link, now), 'Not opened yet');
  const used = { ...link, access_count: 3, max_uses: 20, last_accessed_at: '2026-11-30T06:00:00Z', has_password: true };
  assert.equal(linkWords(used, now), 'Opened 3 of 20 times · last 2 hours ago · password');
  assert.equal(
    linkWords({ ...used, access_count: 1, max_uses: null }, now),
    'Opened once · last 2 hours ago · password',
  );
  assert.match(linkWords({ ...used, access_count: 20 }, now), /^Used up: opened 20 of 20 times/);
  assert.match(linkWords({ ...link, expires_at: '2026-12-24T12:00:00Z' }, now), /ends Dec 24, 2026$/);
});

test('a person’s row says why they have access', () => {
  const share = {
    user: { id: 'p', name: 'Ben', email: 'ben@example.org' },
    created_by: { name: 'Ann' },
    expires_at: null,
  };
  assert.equal(personWords(share), 'ben@example.org · shared by Ann');
  assert.equal(
    personWords({ ...share, user: { id: null, name: null, email: 'x@example.org' }, created_by: null }),
    'Has no account here yet',
  );
  const access = { members: [], member_count: 4, is_public: true, guests: null, own: 'admin' };
  assert.deepEqual(
    othersOf(access).map(({ key, name }) => [key, name]),
    [
      ['public', 'Everybody'],
      ['members', '4 members'],
    ],
  );
  assert.deepEqual(
    permissionOptions().map(([name]) => name),
    ['read', 'comment', 'write'],
  );
});

test('the store of shares reads all of them again after events of its document', async () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  let reads = 0;
  const answers = {
    shares: async (_document, { cursor }) => {
      if (!cursor) reads += 1;
      return {
        items: [
          { id: 'a', kind: 'link' },
          { id: 'b', kind: 'user' },
        ],
      };
    },
    access: async () => ({ own: 'admin', members: [] }),
    accessRequests: async () => ({ items: [], next_cursor: null }),
  };
  const store = new ShareStore({ document: ID, requests: answers });
  await store.load();
  assert.deepEqual([store.links.value.length, store.people.value.length, reads], [1, 1, 1]);
  store.apply({ entity_type: 'share', entity_id: 'a', document_id: ID });
  store.apply({ entity_type: 'access_request', entity_id: 'r', document_id: ID });
  store.apply({ entity_type: 'comment', entity_id: 'c', document_id: ID });
  store.apply({ entity_type: 'share', entity_id: 'z', document_id: 'another' });
  mock.timers.tick(1000);
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  assert.equal(reads, 2);
  mock.timers.reset();
  answers.shares = () => Promise.reject(new RequestError(403, 'forbidden', 'No.'));
  await store.load();
  assert.deepEqual([store.refused.value, store.problem.value], [true, '']);
});

test('what is shared with a person is a list of its own', () => {
  assert.deepEqual(requestFor(parseListQuery('?view=shared&tag=x'), { workspace: 'w', person: 'p' }), {
    path: 'documents/shared',
    query: {},
  });
});
