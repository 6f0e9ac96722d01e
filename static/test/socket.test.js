import assert from 'node:assert/strict';
import { test } from 'node:test';
import { varUintAt, watchedWebSocket } from '../src/editor/socket.js';

class Wire extends EventTarget {
  constructor(url) {
    super();
    this.url = url;
    this.frames = [];
  }

  send(frame) {
    this.frames.push(frame);
  }

  close() {
    this.closedByPage = true;
  }

  receive(...bytes) {
    this.dispatchEvent(Object.assign(new Event('message'), { data: new Uint8Array(bytes).buffer }));
  }

  end(code, reason = '') {
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }));
  }
}

function watched() {
  const seen = [];
  const note =
    (name) =>
    (...details) =>
      seen.push([name, ...details].join(' '));
  const names = ['opened', 'answered', 'sent', 'committed', 'refused', 'closed'];
  const Socket = watchedWebSocket(Object.fromEntries(names.map((name) => [name, note(name)])), Wire);
  return { seen, Socket };
}

test('content messages are told apart from everything else that is sent', () => {
  const { seen, Socket } = watched();
  const socket = new Socket('ws://x');
  for (const frame of [
    [0, 0, 1, 0],
    [1, 1, 0],
    [0, 1, 2, 0, 0],
    [0, 2, 2, 0, 0],
  ])
    socket.send(new Uint8Array(frame));
  assert.deepEqual(seen, ['answered', 'sent']);
  assert.equal(socket.frames.length, 4);
});

test('confirmations, refusals and the end are reported', () => {
  const { seen, Socket } = watched();
  const socket = new Socket('ws://x');
  socket.dispatchEvent(new Event('open'));
  socket.receive(8, 0xac, 0x02);
  socket.receive(2, 0, 0);
  socket.receive(0, 2, 0);
  socket.end(4403, 'forbidden');
  assert.deepEqual(seen, ['opened', 'committed 300', 'refused', 'closed 4403 forbidden']);
});

test('a socket that was given up says nothing about the next one', () => {
  const { seen, Socket } = watched();
  const first = new Socket('ws://x');
  const second = new Socket('ws://x');
  first.receive(8, 1);
  first.send(new Uint8Array([0, 2, 0]));
  first.end(1006);
  second.close();
  second.end(1006);
  assert.deepEqual(seen, ['closed 1000 ']);
  assert.ok(second.closedByPage);
});

test('a count that ends inside the frame is no count', () => {
  assert.equal(varUintAt(new Uint8Array([8]), 1), -1);
  assert.equal(varUintAt(new Uint8Array([8, 0x80]), 1), -1);
  assert.equal(varUintAt(new Uint8Array([8, 0]), 1), 0);
  assert.equal(varUintAt(new Uint8Array([8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f]), 1), 2 ** 53 - 1);
});
