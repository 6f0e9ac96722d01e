import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eitherSocket, eventsSocket } from '../src/editor/events-provider.js';

class Wire extends EventTarget {
  close() {
    this.closed = true;
  }

  open() {
    this.dispatchEvent(new Event('open'));
  }

  fail() {
    this.dispatchEvent(new Event('close'));
  }
}
class Direct extends Wire {}
class Other extends Wire {}

const attempt = (Socket, end) => {
  const socket = new Socket('ws://x');
  socket[end]();
  socket.fail();
  return socket.constructor;
};

test('where WebSockets fail, every second attempt goes another way, and what was open last is tried first', () => {
  const Socket = eitherSocket(Direct, Other);
  assert.deepEqual(
    ['fail', 'fail', 'fail', 'fail', 'open', 'fail', 'fail', 'open', 'fail'].map((end) => attempt(Socket, end)),
    [Direct, Direct, Other, Direct, Other, Other, Other, Direct, Direct],
  );
});

test('without WebSockets there is one way', () => assert.equal(eitherSocket(undefined, Other), Other));

test('the token of a link goes with the stream as a header, and in no address', async () => {
  const asked = [];
  globalThis.fetch = async (url, { headers }) => {
    asked.push([url, headers['X-Share-Token']]);
    return new Response('{"code": "share_ended"}', { status: 401 });
  };
  const Socket = eventsSocket({ locate: async (room) => room, stateVector: () => new Uint8Array([0]) });
  const socket = new Socket('ws://x/ws/plan?events=1&share=opened');
  const closed = await new Promise((resolve) => {
    socket.addEventListener('close', resolve);
  });
  assert.deepEqual([closed.code, closed.reason], [4401, 'share_ended']);
  assert.equal(asked.length, 1);
  assert.equal(asked[0][1], 'opened');
  assert.ok(!asked[0][0].includes('opened'));
});
