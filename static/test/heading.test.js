import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { firstHeading, titleWithout } from '../src/editor/heading.js';

const examples = JSON.parse(readFileSync(new URL('../../tests/features/documents/headings.json', import.meta.url)));

test('the first heading is the one that the server finds', () => {
  for (const [text, title] of examples) assert.equal(firstHeading(text), title, JSON.stringify(text));
});

test('without a heading the end of the name is the title', () => {
  assert.equal(titleWithout({ name: 'team/plans/' }), 'plans');
  assert.equal(titleWithout({ name: null }), 'Untitled');
});
