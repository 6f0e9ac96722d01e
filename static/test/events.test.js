import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eitherSocket } from '../src/editor/events-provider.js';

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
