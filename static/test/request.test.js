import assert from 'node:assert/strict';
import test from 'node:test';
import { onSignedOut, request, useCsrfToken } from '../src/lib/request.js';

/** A server that refuses the first requests and then takes the caller for a guest. */
function serverThatRefuses(times) {
  const asked = [];
  globalThis.location = { origin: 'http://localhost:8000' };
  globalThis.fetch = async (url) => {
    asked.push(url.pathname);
    const refused = asked.length <= times;
    const body = refused ? { code: 'unauthenticated', detail: 'the session has ended' } : { kind: 'guest' };
    return new Response(JSON.stringify(body), { status: refused ? 401 : 200 });
  };
  return asked;
}

test('a page that knew of no session asks again once its stale cookie was taken away', async () => {
  useCsrfToken(null);
  const asked = serverThatRefuses(1);
  assert.deepEqual(await request('auth/me'), { kind: 'guest' });
  assert.equal(asked.length, 2);
});

test('where no guests are let in the page is told after the second refusal', async () => {
  useCsrfToken(null);
  const asked = serverThatRefuses(9);
  await assert.rejects(request('auth/me'), { status: 401 });
  assert.equal(asked.length, 2);
});

test('a page whose session has ended does not go on as a guest', async () => {
  let left = false;
  onSignedOut(() => {
    left = true;
  });
  useCsrfToken('known');
  const asked = serverThatRefuses(1);
  await assert.rejects(request('documents/lookup'), { status: 401 });
  assert.ok(left);
  assert.equal(asked.length, 1);
});

/** A tab whose storage outlives its pages, and a server that notes what is sent. */
function tabThatSends() {
  const kept = new Map();
  const sent = [];
  globalThis.sessionStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
  globalThis.location = { origin: 'http://localhost:8000' };
  globalThis.fetch = async (_url, options) => {
    sent.push(options);
    return new Response('{}');
  };
  return sent;
}

test('a change outlives its page unless it is long, a read does not', async () => {
  const sent = tabThatSends();
  await request('documents/1', { method: 'PATCH', body: { title: 'Plan' } });
  await request('documents/1', { method: 'PATCH', body: { description: 'x'.repeat(5000) } });
  await request('documents/1');
  assert.deepEqual(
    sent.map(({ keepalive }) => keepalive),
    [true, false, false],
  );
});

test('the next page of a tab sends the token before it has asked for its own', async () => {
  const sent = tabThatSends();
  useCsrfToken('known');
  const nextPage = await import('../src/lib/request.js?next');
  await nextPage.request('documents/1', { method: 'PATCH', body: {} });
  useCsrfToken(null);
  await nextPage.request('documents/1', { method: 'PATCH', body: {} });
  assert.deepEqual(
    sent.map(({ headers }) => headers['X-CSRF-Token']),
    ['known', undefined],
  );
});

test('a connection that ends within an answer is a server that cannot be reached', async () => {
  globalThis.fetch = async () => {
    const cut = new ReadableStream({
      start(stream) {
        stream.enqueue(new TextEncoder().encode('{"items": ['));
        stream.error(new TypeError('network error'));
      },
    });
    return new Response(cut, { status: 200 });
  };
  await assert.rejects(request('workspaces'), { status: 0, code: 'unreachable' });
  await assert.rejects(request('documents/x/export', { asFile: true }), { status: 0, code: 'unreachable' });
  globalThis.fetch = async () => new Response(null, { status: 204 });
  assert.equal(await request('documents/x'), null);
  globalThis.fetch = async () => new Response('<h1>Bad gateway</h1>', { status: 502 });
  await assert.rejects(request('documents/x'), { status: 502 });
});
