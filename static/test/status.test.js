import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mayRetry, readable, signInHelps, words } from '../src/editor/status-words.js';
import { DELAYED_AFTER, initialStatus, mayLeave, reduce, view } from '../src/editor/status.js';

const run = (events, from = initialStatus()) => events.reduce(reduce, from);
const kind = (state, now = 0) => view(state, now).kind;

const opened = { type: 'opened', at: 0 };
const answered = { type: 'answered', at: 0 };
const edited = { type: 'edited', own: true };
const sent = { type: 'sent', at: 0 };
const committed = (count) => ({ type: 'committed', count });
const closed = (code, reason = '') => ({ type: 'closed', code, reason, at: 0 });
const synced = [opened, answered, committed(1)];

test('a page that has not reached the server is connecting, then offline', () => {
  assert.equal(kind(initialStatus()), 'connecting');
  assert.equal(kind(run([closed(1006)])), 'offline');
});

test('an open socket alone is not saved', () => {
  assert.equal(kind(run([opened])), 'connecting');
  assert.equal(kind(run([opened, answered])), 'saving');
  assert.equal(kind(run(synced)), 'saved');
});

test('an edit is saving until its own message is committed', () => {
  const typed = run([...synced, edited]);
  assert.equal(kind(typed), 'saving');
  const left = run([sent], typed);
  assert.equal(kind(left), 'saving');
  assert.equal(kind(run([edited, sent, committed(2)], left)), 'saving');
  assert.equal(kind(run([edited, sent, committed(3)], left)), 'saved');
});

test('a fresh edit confirmed before offline edits were sent is not saved', () => {
  const state = run([closed(1006), edited, edited, opened, edited, sent, committed(1)]);
  assert.equal(kind(state), 'connecting');
  assert.ok(state.dirty);
  assert.equal(kind(run([answered], state)), 'saving');
  assert.equal(kind(run([answered, committed(2)], state)), 'saved');
});

test('an edit that no open socket took keeps the page from saying saved', () => {
  assert.equal(kind(run([...synced, edited])), 'saving');
  assert.equal(kind(run([...synced, edited, edited, sent, committed(2)])), 'saving');
});

test('confirmations do not carry over to the next socket', () => {
  const state = run([...synced, edited, sent, closed(1006), opened]);
  assert.equal(kind(state), 'connecting');
  assert.equal(kind(run([answered], state)), 'saving');
  assert.ok(run([answered], state).dirty);
  assert.equal(kind(run([answered, committed(1)], state)), 'saved');
});

test('a confirmation of more than was sent, or of less than before, changes nothing', () => {
  const state = run([...synced, edited, sent]);
  assert.equal(run([committed(9)], state), state);
  assert.equal(run([committed(-1)], state), state);
  assert.equal(run([committed(1)], state), state);
  assert.equal(run([closed(1006), committed(2)], state).committed, 0);
});

test('an edit unconfirmed for more than five seconds is reported', () => {
  const state = run([...synced, edited, { type: 'sent', at: 1000 }]);
  assert.equal(kind(state, 1000 + DELAYED_AFTER), 'saving');
  assert.equal(kind(state, 1001 + DELAYED_AFTER), 'delayed');
  const later = run([edited, { type: 'sent', at: 4000 }, committed(2)], state);
  assert.equal(kind(later, 1001 + DELAYED_AFTER), 'saving');
  assert.equal(kind(later, 4001 + DELAYED_AFTER), 'delayed');
});

test('unsaved edits on a socket that is never asked for them are reported', () => {
  const state = run([edited, { type: 'opened', at: 1000 }]);
  assert.equal(kind(state, 2000), 'connecting');
  assert.equal(kind(state, 1001 + DELAYED_AFTER), 'delayed');
});

test('the times of waiting messages take bounded memory', () => {
  let state = run(synced);
  for (let at = 0; at < 1e6; at += 500) state = run([edited, { type: 'sent', at }], state);
  assert.ok(state.marks.length <= 64);
  assert.equal(state.marks[0].at, 0);
  assert.equal(kind(run([committed(state.sent)], state)), 'saved');
});

test('closing the page is safe when everything is committed, or kept in this browser', () => {
  assert.ok(mayLeave(run(synced)));
  const typed = run([...synced, edited, sent]);
  assert.ok(!mayLeave(typed));
  assert.ok(mayLeave(run([committed(2)], typed)));
  const keeping = run([{ type: 'keeping', keeps: true }, ...synced, edited, sent]);
  assert.ok(!mayLeave(keeping));
  assert.ok(mayLeave(run([{ type: 'kept' }], keeping)));
  assert.ok(!mayLeave(run([{ type: 'kept' }, edited], keeping)));
  assert.ok(!mayLeave(run([{ type: 'kept' }, { type: 'keeping', keeps: false }], keeping)));
});

test('text that comes from the copy in this browser must be sent, but is no edit of the reader', () => {
  const loaded = run([{ type: 'edited', own: false }]);
  assert.ok(mayLeave(loaded));
  assert.equal(kind(run([...synced, { type: 'edited', own: false }])), 'saving');
});

test('a busy or restarting server is named for a while, then the page is offline', () => {
  for (const code of [1012, 1013, 4529]) {
    const state = run([...synced, closed(code), closed(1006)]);
    assert.equal(kind(state, 100), 'busy');
    assert.equal(kind(state, 60000), 'offline');
  }
  assert.equal(words(run([closed(1012)]), view(run([closed(1012)]), 0)).label, 'Server restarting');
});

test('a verdict ends the connection until the reader tries again', () => {
  for (const code of [4400, 4401, 4403, 4404, 4409, 4499]) {
    const state = run([...synced, edited, sent, closed(code, 'forbidden')]);
    const shown = view(state, 0);
    assert.equal(shown.kind, 'ended');
    assert.ok(shown.unsaved);
    assert.match(words(state, shown).detail, /not saved/);
    assert.equal(kind(run([{ type: 'dialling' }], state)), 'connecting');
  }
  assert.equal(kind(run([closed(4500)])), 'offline');
});

test('a document that is too large is not called offline', () => {
  assert.equal(kind(run([...synced, closed(1009)])), 'refused');
  const state = run([...synced, closed(4413)]);
  assert.equal(kind(state), 'ended');
  assert.match(words(state, view(state, 0)).detail, /COLLAB_MAX_DOCUMENT_BYTES/);
});

test('a reader is told view only, and never that refused edits were saved', () => {
  const state = run([...synced, edited, sent, { type: 'role', readOnly: true }, committed(2)]);
  assert.equal(kind(state), 'viewonly');
  assert.ok(view(state, 0).unsaved);
});

test('every kind has words', () => {
  for (const events of [
    [],
    [closed(1006)],
    [closed(1013)],
    [closed(1009)],
    synced,
    [opened, answered],
    [closed(4403)],
  ]) {
    const state = run(events);
    assert.ok(words(state, view(state, 0)).label);
  }
});

/** A small generator of numbers in [0, 1), so that a failing run can be repeated from its seed. */
function numbers(seed) {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

test('in random histories, saved is only shown when the server has committed every edit', () => {
  const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`seed ${seed}`);
  const random = numbers(seed);
  let shownSaved = 0;
  for (let round = 0; round < 300; round += 1) {
    let state = initialStatus();
    const edits = new Set();
    const stored = new Set();
    let socket = null; // {wire: content messages on their way, taken, asked}
    const send = (type, message) => {
      state = reduce(state, { type, at: 0 });
      socket.wire.push(message);
    };
    for (let step = 0; step < 60; step += 1) {
      const chance = random();
      if (chance < 0.3) {
        edits.add(edits.size);
        state = reduce(state, edited);
        // A closing socket takes nothing: the provider drops the message without a word.
        if (socket && !socket.closing) send('sent', [edits.size - 1]);
      } else if (chance < 0.42) {
        if (!socket) {
          socket = { wire: [], taken: 0, asked: false, closing: false };
          state = reduce(state, opened);
        } else if (!socket.asked && !socket.closing) {
          socket.asked = true;
          send('answered', [...edits]);
        }
      } else if (chance < 0.48 && socket) {
        if (random() < 0.5) socket.closing = true;
        else {
          socket = null;
          state = reduce(state, closed([1006, 1012, 1013][step % 3]));
        }
      } else if (socket && socket.wire.length > 0 && !socket.closing) {
        const count = 1 + Math.floor(random() * socket.wire.length);
        for (const message of socket.wire.splice(0, count)) message.forEach((edit) => stored.add(edit));
        socket.taken += count;
        state = reduce(state, committed(socket.taken));
      }
      if (view(state, 0).kind === 'saved') {
        shownSaved += 1;
        assert.deepEqual(
          [...stored].sort((a, b) => a - b),
          [...edits],
          `seed ${seed}, round ${round}, step ${step}`,
        );
      }
      assert.ok(view(state, 0).kind === 'saved' || edits.size === stored.size || state.dirty);
    }
  }
  assert.ok(shownSaved > 100);
});

test('a document of a workspace that the reader is no member of asks to sign in, not to reload', () => {
  const ended = (code, reason) => reduce(initialStatus(), { type: 'closed', code, reason, at: 0 });
  const shown = view(ended(4409, 'ambiguous_address: team is a workspace'), 0);
  assert.ok(signInHelps(shown));
  assert.match(words(initialStatus(), shown).detail, /not a member/);
  assert.ok(!signInHelps(view(ended(4409, 'stale_generation: replaced'), 0)));
  assert.ok(signInHelps(view(ended(4401, 'unauthenticated: the session has ended'), 0)));
});

test('a verdict on the document itself says what it is, and what can be done', () => {
  const ended = (reason) => view(reduce(initialStatus(), { type: 'closed', code: 4403, reason, at: 0 }), 0);
  const secret = ended('encrypted_document: a password');
  assert.match(words(initialStatus(), secret).detail, /no key/);
  assert.ok(!readable(secret) && !mayRetry(secret) && !signInHelps(secret));
  const alone = ended('not_collaborative: this document cannot be edited together');
  assert.match(words(initialStatus(), alone).detail, /can be read/);
  assert.ok(readable(alone) && !mayRetry(alone));
  assert.equal(words(initialStatus(), ended('forbidden: you may not see this document any more')).label, 'No access');
  assert.ok(mayRetry(ended('forbidden')) && !readable(ended('')));
});
