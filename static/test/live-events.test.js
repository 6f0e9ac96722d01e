import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import { LiveEvents } from '../src/lib/live-events.js';

class Source extends EventTarget {
  CLOSED = 2;

  constructor(url) {
    super();
    this.url = url;
    this.readyState = 0;
  }

  close() {
    this.readyState = 2;
  }

  emit(type, details = {}) {
    this.dispatchEvent(Object.assign(new Event(type), details));
  }
}

/** Live events of a visible page, the streams that were opened, and what the follower was told. */
function follow() {
  globalThis.document = { hidden: false };
  const sources = [];
  const told = [];
  const events = new LiveEvents((url) => {
    sources.push(new Source(url));
    return sources.at(-1);
  });
  events.follow({ apply: ({ entity_id: id }) => told.push(id), resync: () => told.push('resync') });
  events.connect();
  return { events, sources, told };
}

const change = (id, cursor) => ({ data: JSON.stringify({ entity_id: id }), lastEventId: cursor });

test('followers are told of changes, and of the need to read everything again', () => {
  const { sources, told } = follow();
  sources[0].emit('open');
  sources[0].emit('change', change('a', 'c1'));
  sources[0].emit('resync', { lastEventId: 'c2' });
  assert.deepEqual(told, ['resync', 'a', 'resync']);
});

test('followers of presence are told of each change, and of each stream that begins', () => {
  const { events, sources } = follow();
  const told = [];
  events.follow({
    apply: () => {},
    resync: () => {},
    presenceChanged: (event) => told.push(event?.document_id ?? null),
  });
  sources[0].emit('open');
  sources[0].emit('presence', { data: JSON.stringify({ workspace_id: 'w', document_id: 'a' }), lastEventId: '' });
  sources[0].emit('change', change('b', 'c1'));
  events.connect();
  sources[1].emit('open');
  assert.deepEqual(told, [null, 'a', null]);
});

test('a page that was hidden goes on after the last event', () => {
  const { events, sources, told } = follow();
  sources[0].emit('open');
  sources[0].emit('change', change('a', 'c+1'));
  document.hidden = true;
  events.connect();
  assert.equal(sources.length, 1);
  assert.equal(sources[0].readyState, 2);
  document.hidden = false;
  events.connect();
  sources[1].emit('open');
  assert.equal(sources[1].url, '/api/v1/sync/stream?cursor=c%2B1');
  assert.deepEqual(told, ['resync', 'a']);
});

test('a refused stream is opened again after longer and longer waits, and each time everything is read', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const { sources, told } = follow();
  const refuse = () => {
    sources.at(-1).readyState = 2;
    sources.at(-1).emit('error');
  };
  refuse();
  mock.timers.tick(1000);
  assert.equal(sources.length, 2);
  refuse();
  mock.timers.tick(1000);
  assert.equal(sources.length, 2);
  mock.timers.tick(1000);
  assert.equal(sources.length, 3);
  assert.deepEqual(told, ['resync', 'resync']);
  mock.timers.reset();
});

test('the browser itself reconnects after a lost connection', () => {
  mock.timers.enable({ apis: ['setTimeout'] });
  const { sources } = follow();
  sources[0].emit('open');
  sources[0].emit('error');
  mock.timers.tick(60000);
  assert.equal(sources.length, 1);
  mock.timers.reset();
});
