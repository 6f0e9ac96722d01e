import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressIn, pageOf, roomOf, typedAddress } from '../src/lib/addresses.js';
import { inkOn, safeColour, tidyName } from '../src/lib/identity.js';
import { ago, counted, initials, wordCount } from '../src/lib/format.js';

test('an address survives its way through the URL', () => {
  for (const address of ['notes', 'team/plans/2025', '@team/plans/2025', 'ünï cødé/100%', 'a?b#c', '日本/メモ']) {
    assert.equal(addressIn(new URL(pageOf(address), 'http://x').pathname), address);
    assert.equal(decodeURIComponent(new URL(`ws://x/ws/${roomOf(address)}`).pathname), `/ws/${address}`);
  }
  assert.equal(addressIn('/d/100%'), '100%');
});

test('what was typed becomes an address without stray slashes', () => {
  assert.equal(typedAddress('  /notes//today/ '), 'notes/today');
  assert.equal(typedAddress(' / '), '');
});

test('words are counted in every script that separates them', () => {
  assert.equal(wordCount(''), 0);
  assert.equal(wordCount('# Don’t panic: 3.5 well-known things'), 5);
  assert.equal(wordCount('Grüße aus Köln'), 3);
  assert.equal(counted(1, 'word'), '1 word');
  assert.equal(counted(2301, 'word'), '2,301 words');
});

test('times are told as people tell them', () => {
  const now = Date.UTC(2025, 5, 15, 12);
  const before = (seconds) => ago(now - seconds * 1000, now);
  assert.equal(before(-30), 'just now');
  assert.equal(before(10), 'just now');
  assert.equal(before(60), '1 minute ago');
  assert.equal(before(3600), '1 hour ago');
  assert.equal(before(86400), 'yesterday');
  assert.equal(before(86400 * 8), 'last week');
  assert.match(before(86400 * 60), /^Apr 16$/);
  assert.match(before(86400 * 400), /^May 11, 2024$/);
});

test('names of others are shown as one short line', () => {
  assert.equal(tidyName(' Ada\n\u202eLovelace '), 'Ada Lovelace');
  assert.equal(tidyName('x'.repeat(99)).length, 40);
  assert.equal(tidyName({ evil: true }), '');
  assert.equal(initials('Ada King Lovelace'), 'AL');
  assert.equal(initials('bo'), 'B');
  assert.equal(initials('Guest (API)'), 'GA');
  assert.equal(initials(''), '?');
});

test('colours of others are plain colours or none of theirs', () => {
  assert.equal(safeColour('#30bced', 1), '#30bced');
  for (const colour of ['red;position:fixed', 'url(//x)', '#12345', null, {}]) {
    assert.match(safeColour(colour, 7), /^#[0-9a-f]{6}$/);
  }
  assert.equal(inkOn('#ffffff'), '#111');
  assert.equal(inkOn('#0f766e'), '#fff');
});
