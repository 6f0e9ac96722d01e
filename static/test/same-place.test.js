import assert from 'node:assert/strict';
import { test } from 'node:test';
import { samePlace } from '../src/editor/same-place.js';

const MARKDOWN =
  '# Plan\n\nSee the [guide](https://example.org/a/long/address) for **all of it**.\n\n* one\n* two 😀 three\n';
const PLAIN = 'Plan\nSee the guide for all of it.\none\ntwo 😀 three';

test('a place is found in the other kind of text', () => {
  for (const words of ['Plan', 'guide', 'all', 'of it', 'one', 'two', 'three']) {
    for (const [former, text] of [
      [MARKDOWN, PLAIN],
      [PLAIN, MARKDOWN],
    ]) {
      const found = samePlace(former, former.indexOf(words) + words.length, text);
      // Signs and spaces beside it may be on either side.
      const behind = text.slice(text.indexOf(words) + words.length, found);
      assert.doesNotMatch(behind, /[a-z]/, words);
      assert.ok(found >= text.indexOf(words) + words.length, words);
    }
  }
});

test('of words that occur repeatedly the nearest ones are taken', () => {
  const former = 'word '.repeat(50);
  const text = former.replaceAll(' ', '\n\n');
  assert.equal(samePlace(former, 5 * 20 + 4, text), 6 * 20 + 4);
});

test('a place in a text that has nothing in common is somewhere in it', () => {
  assert.equal(samePlace('', 0, 'abc'), 0);
  assert.equal(samePlace('abc', 3, ''), 0);
  assert.ok(samePlace('one two', 4, 'entirely else') <= 13);
});
