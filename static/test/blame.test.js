import assert from 'node:assert/strict';
import { test } from 'node:test';
import { aligned, edited, joined, runAt, slice } from '../src/lib/blame-runs.js';

const run = (author, length, at = 0) => ({ length, author, at });
/** Such as "aaabb" for three characters of a and two of b; "." for nobody. */
const drawn = (runs) => runs.map(({ author, length }) => (author || '.').repeat(length)).join('');
const from = (text) => joined([...text].map((author) => run(author === '.' ? '' : author, 1)));

test('an edit within a run parts it, and an edit at its end does not', () => {
  const edits = (...list) =>
    list.map(([start, end, length, author]) => ({ from: start, to: end, length, author, at: 0 }));
  assert.equal(drawn(edited(from('aaaa'), edits([2, 2, 1, 'b']))), 'aabaa');
  assert.equal(drawn(edited(from('aaaa'), edits([1, 3, 0, 'b']))), 'aa');
  assert.equal(drawn(edited(from('aabb'), edits([1, 3, 2, 'c'], [4, 4, 1, 'd']))), 'accbd');
  assert.equal(drawn(edited(from('ab'), edits([0, 0, 1, 'b'], [1, 2, 1, 'a']))), 'baa');
  assert.equal(drawn(edited([], edits([0, 0, 2, 'a']))), 'aa');
  assert.equal(drawn(edited(from('a'), edits([3, 3, 1, 'b']))), 'a..b');
});

test('what is typed without a pause is one run, with the time of its end', () => {
  const minute = 60000;
  assert.deepEqual(joined([run('a', 1, 0), run('a', 2, minute), run('a', 1, 10 * minute), run('b', 0, 0)]), [
    run('a', 3, minute),
    run('a', 1, 10 * minute),
  ]);
});

test('runs that were read are put onto a text that has changed meanwhile', () => {
  const put = (read, text, now, known) => drawn(aligned({ read: from(read), text, now, known: from(known) }));
  assert.equal(put('aabb', 'wxyz', 'wxyz', '....'), 'aabb');
  assert.equal(put('aabb', 'wxyz', 'wx12yz', '..cc..'), 'aaccbb');
  assert.equal(put('aabb', 'wxyz', 'wz', '..'), 'ab');
  assert.equal(put('aabb', 'wxyz', '', ''), '');
  assert.equal(put('', '', 'new', 'ccc'), 'ccc');
  assert.equal(put('ab', 'xx', 'xxx', '...'), 'ab.');
});

test('a place has the author of the character before it', () => {
  const runs = from('aab');
  assert.equal(runAt(runs, 0).author, 'a');
  assert.equal(runAt(runs, 2).author, 'a');
  assert.equal(runAt(runs, 3).author, 'b');
  assert.equal(runAt(runs, 9), null);
  assert.equal(drawn(slice(runs, 1, 5)), 'ab..');
});
