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
