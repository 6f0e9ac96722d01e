import assert from 'node:assert/strict';
import { test } from 'node:test';
import { commandsOf, keyOf } from '../src/lib/commands.js';
import { match } from '../src/lib/fuzzy.js';
import { nextIn, signInPage, workspacePage } from '../src/lib/addresses.js';
import { formatListQuery, parseListQuery, requestFor } from '../src/lib/list-query.js';
import { presenceNames } from '../src/lib/presence-names.js';
import { partsOf } from '../src/lib/highlights.js';
import { sized } from '../src/lib/format.js';
import { sentence } from '../src/lib/request.js';

globalThis.location = { origin: 'https://docs.example', pathname: '/d/plan', search: '?x=1' };

test('a snippet is text and marks, whatever it holds', () => {
  assert.deepEqual(partsOf('a &lt;b&gt; &amp;amp; <mark>hit</mark>!'), [
    { text: 'a <b> &amp; ', marked: false },
    { text: 'hit', marked: true },
    { text: '!', marked: false },
  ]);
  assert.deepEqual(partsOf('<mark><img src=x></mark>'), [{ text: '<img src=x>', marked: true }]);
  assert.deepEqual(partsOf('&unknown; &#39;'), [{ text: "&unknown; '", marked: false }]);
  assert.deepEqual(partsOf(''), []);
});

test('signing in leads on to pages of this server only', () => {
  assert.equal(nextIn('?next=/d/plan%3Fx%3D1%23top'), '/d/plan?x=1#top');
  for (const bad of ['//evil.example', 'https://evil.example/', '/\\evil.example', 'javascript:alert(1)', '']) {
    assert.equal(nextIn(`?next=${encodeURIComponent(bad)}`), '/', bad);
  }
  assert.equal(nextIn(''), '/');
  assert.equal(signInPage(), '/signin?next=%2Fd%2Fplan%3Fx%3D1');
  assert.equal(signInPage('/'), '/signin');
  assert.equal(workspacePage({ slug: null, id: 'x-1' }), '/w/x-1');
});

test('what a list shows survives its way through the address', () => {
  for (const search of [
    '',
    '?view=trash',
    '?q=a+b&in=all',
    '?type=note&tag=brass&mine=1&sort=title',
    '?view=favourites&status=draft',
  ]) {
    assert.equal(formatListQuery(parseListQuery(search)), search);
  }
  assert.equal(formatListQuery(parseListQuery('?view=nonsense&sort=__proto__&other=1')), '');
});

test('a list asks for what its address says', () => {
  const ids = { workspace: 'w', person: 'p' };
  const asked = (search) => requestFor(parseListQuery(search), ids);
  assert.equal(asked('').path, 'workspaces/w/documents');
  assert.equal(asked('?sort=title').query.order, 'asc');
  assert.equal(asked('?mine=1').query.created_by, 'p');
  assert.equal(asked('?view=trash').query.deleted, true);
  assert.equal(asked('?view=recent').path, 'documents/recent');
  assert.deepEqual(asked('?q=x&view=trash'), {
    path: 'search',
    query: { q: 'x', type: '', tag: '', workspace_id: 'w' },
  });
  assert.equal(asked('?q=x&in=all').query.workspace_id, null);
});

test('sizes and problems are told in words', () => {
  assert.deepEqual([0, 1, 999, 1000, 1536, 2 ** 30, 1.5 * 2 ** 40].map(sized), [
    '0 bytes',
    '1 byte',
    '999 bytes',
    '1 KB',
    '1.5 KB',
    '1 GB',
    '1.5 TB',
  ]);
  assert.equal(sentence('the token is not valid'), 'The token is not valid.');
  assert.equal(sentence('Really?'), 'Really?');
  assert.equal(sentence(' '), '');
});

test('who is in a document is named, guests as such, and the rest counted', () => {
  const ann = { user_id: 'a', name: 'Ann' };
  const guest = { user_id: null, name: 'Otter' };
  assert.equal(presenceNames({ people: 1, present: [ann] }), 'Ann');
  assert.equal(presenceNames({ people: 2, present: [ann, guest] }), 'Ann and Otter (guest)');
  assert.equal(
    presenceNames({
      people: 5,
      present: [
        { user_id: 'b', name: null },
        { user_id: null, name: null },
      ],
    }),
    'Somebody, Guest and 3 others',
  );
});

test('names are found by some of their letters, those that fit best first', () => {
  assert.equal(match('xyz', 'Move to trash'), null);
  assert.deepEqual(match('mtt', 'Move to trash')?.at, [0, 5, 8]);
  assert.deepEqual(match('trash', 'Move to trash')?.at, [8, 9, 10, 11, 12]);
  assert.deepEqual(match('uber', 'Über uns')?.at, [0, 1, 2, 3]);
  const ordered = (query, ...names) =>
    names.sort((one, other) => (match(query, other)?.score ?? -1) - (match(query, one)?.score ?? -1));
  assert.deepEqual(ordered('new', 'Renewal', 'Now we eat', 'New note'), ['New note', 'Renewal', 'Now we eat']);
  assert.deepEqual(ordered('set', 'Reset all', 'Settings of the team', 'Settings'), [
    'Settings',
    'Settings of the team',
    'Reset all',
  ]);
});

test('the keys of an event are written as commands write them', () => {
  const event = { key: '', code: '', ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
  assert.equal(keyOf({ ...event, key: 'k', ctrlKey: true }), 'Ctrl+K');
  assert.equal(keyOf({ ...event, key: 'K', ctrlKey: true, shiftKey: true }), 'Ctrl+Shift+K');
  assert.equal(keyOf({ ...event, key: '?', shiftKey: true }), '?');
  assert.equal(keyOf({ ...event, key: '÷', code: 'Slash', altKey: true }), 'Alt+/');
  assert.equal(keyOf({ ...event, key: 'F1' }), 'F1');
  // Shift+7 of a German keyboard: the list of numbers, nothing else.
  assert.equal(keyOf({ ...event, key: '/', code: 'Digit7', ctrlKey: true, shiftKey: true }), 'Ctrl+Shift+/');
});

test('a menu offers its choices as commands, with their keys', () => {
  const act = () => {};
  const found = commandsOf('Document', [
    { label: 'Rename…', act },
    false,
    'line',
    { heading: 'Notify me of' },
    { label: 'Threads', checked: true, note: 'Ctrl+Alt+1', act },
    'line',
    { label: 'Files', note: 'All of them', act },
  ]);
  assert.deepEqual(
    found.map(({ label, keys, note }) => [label, keys, note]),
    [
      ['Rename…', undefined, undefined],
      ['Notify me of: Threads', ['Ctrl+Alt+1'], undefined],
      ['Files', undefined, 'All of them'],
    ],
  );
});
