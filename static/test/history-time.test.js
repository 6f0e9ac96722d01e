import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AuthorColours } from '../src/lib/author-colours.js';
import { countOthers } from '../src/lib/difference.js';
import { momentOf } from '../src/lib/history-words.js';
import { COLOURS } from '../src/lib/identity.js';
import { momentsOf, nameOf, placeOf } from '../src/lib/moments.js';
import { opened } from '../src/lib/visits.js';
import { EarlierTexts } from '../src/stores/earlier-texts.js';

const START = Date.UTC(2026, 0, 5, 9);
const at = (seconds) => new Date(START + seconds * 1000).toISOString();
const session = (from, to, seq) => ({
  key: `s${seq}`,
  at: START + to * 1000,
  session: { first_at: at(from), last_at: at(to), from_seq: seq, to_seq: seq + 1 },
});
const version = (seconds, number) => ({ key: `v${number}`, at: START + seconds * 1000, version: { number } });
const names = (moments) => moments.map(({ point }) => nameOf(point));

test('moments are those within sessions, their ends and the versions, the oldest first', () => {
  const moments = momentsOf([version(25, 1), session(0, 25, 7)]);
  assert.deepEqual(names(moments), [`time:${at(0)}`, `time:${at(10)}`, `time:${at(20)}`, 'seq:8', '1']);
  assert.deepEqual(names(momentsOf([session(5, 5, 7)])), ['seq:8']);
  assert.deepEqual(momentsOf([]), []);
});

test('a long session has few moments, and keeps them or every other one as it goes on', () => {
  const times = (to) => names(momentsOf([session(0, to, 7)])).slice(0, -1);
  for (const to of [60, 3600, 86400]) assert.ok(times(to).length <= 13, `${to}`);
  const [before, after] = [times(115), times(125)];
  assert.deepEqual(
    after.slice(0, 6),
    before.filter((_, index) => index % 2 === 0),
  );
});

test('sessions of the same time are passed in turn', () => {
  const moments = momentsOf([session(5, 20, 9), session(0, 15, 7)]);
  const times = moments.map((moment) => (moment.at - START) / 1000);
  assert.deepEqual(times, [0, 5, 10, 15, 15, 20]);
});

test('the place of a moment is that of its key, and of the last one before where that is gone', () => {
  const moments = momentsOf([session(0, 25, 7)]);
  assert.equal(placeOf(moments, { key: 's7', at: 0 }), 3);
  assert.equal(placeOf(moments, { key: 'gone', at: START + 12000 }), 1);
  assert.equal(placeOf(moments, { key: 'gone', at: START - 1 }), 0);
  assert.equal(placeOf(moments, { key: 'gone', at: Infinity }), 3);
  assert.equal(placeOf([], { key: 'gone', at: 0 }), -1);
});

test('texts are asked for once, failures again, and differences from now until they may have changed', async () => {
  const sent = [];
  let fails = true;
  const texts = new EarlierTexts('d', {
    fetchContent: async (_id, point, format) => {
      sent.push(`${nameOf(point)} ${format}`);
      if (fails) throw new Error('lost');
      return '<p>';
    },
    fetchDifference: async (_id, from, to) => {
      sent.push(`${from} ${to}`);
      return { pieces: [] };
    },
  });
  await assert.rejects(texts.read({ seq: 1 }));
  fails = false;
  assert.deepEqual(await texts.read({ seq: 1 }), { html: '<p>' });
  assert.equal(texts.has({ seq: 1 }, null), true);
  await texts.read({ seq: 1 });
  assert.deepEqual(sent.splice(0), ['seq:1 html', 'seq:1 html']);
  for (let time = 0; time < 2; time += 1) {
    await texts.compare('1', 'now');
    await texts.compare('1', '2');
  }
  texts.forgetPresent();
  await texts.compare('1', 'now');
  await texts.compare('1', '2');
  assert.deepEqual(sent.splice(0), ['1 now', '1 2', '1 now']);
  for (let seq = 0; seq < 200; seq += 1) await texts.read({ seq });
  assert.equal(texts.has({ seq: 1 }, null), false);
  assert.equal(texts.has({ seq: 199 }, null), true);
});

test('changes of others are counted by places, and deletions only where others have deleted', () => {
  const [mine, theirs] = [{ id: 'a' }, { id: 'b' }];
  const piece = (operation, author = null) => ({ operation, text: 'x', author });
  const isOwn = (author) => author === mine;
  const pieces = [
    piece('insert', theirs),
    piece('equal'),
    piece('delete'),
    piece('insert', mine),
    piece('insert', theirs),
    piece('equal'),
    piece('insert', mine),
    piece('equal'),
    piece('delete'),
  ];
  assert.equal(countOthers(pieces, { isOwn, deletes: true }), 3);
  assert.equal(countOthers(pieces, { isOwn, deletes: false }), 2);
  assert.equal(countOthers([piece('delete'), piece('insert', mine)], { isOwn, deletes: true }), 0);
  assert.equal(countOthers([piece('insert')], { isOwn, deletes: false }), 1);
});

test('a visit after a pause keeps the end of the one before', () => {
  const first = opened(null, 1000);
  assert.deepEqual(first, { seen: 1000, previous: null });
  assert.deepEqual(opened(first, 200000), { seen: 200000, previous: null });
  const second = opened({ seen: 200000, previous: null }, 900000);
  assert.deepEqual(second, { seen: 900000, previous: 200000 });
  assert.deepEqual(opened(second, 950000), { seen: 950000, previous: 200000 });
});

test('times of the last days are named by their weekday', () => {
  const now = new Date(2026, 0, 9, 12);
  const told = (...moment) => momentOf(new Date(...moment).getTime(), false, now).replace(/\u202f/g, ' ');
  assert.equal(told(2026, 0, 9, 9, 3), 'Today, 9:03 AM');
  assert.equal(told(2026, 0, 8, 9, 3), 'Yesterday, 9:03 AM');
  assert.equal(told(2026, 0, 6, 14, 3), 'Tuesday, 2:03 PM');
  assert.equal(told(2026, 0, 2, 14, 3), 'January 2, 2026, 2:03 PM');
});

test('authors have different colours, those who are here the ones they chose', () => {
  const author = (name, more = {}) => ({ id: null, kind: 'user', name, relayed: false, ...more });
  let people = [{ name: 'Ada', colour: '#0f766e' }];
  const colours = new AuthorColours(() => people);
  const all = Array.from({ length: 7 }, (_, index) => author(`Person ${index}`));
  const given = [...all, author('Ada')].map((each) => colours.of(each));
  assert.equal(new Set(given).size, COLOURS.length);
  assert.equal(colours.of(author('Ada')), '#0f766e');
  assert.equal(colours.of(author('One too many')), colours.of(author('Unknown', { kind: 'unknown' })));
  assert.notEqual(colours.of(author('Ada', { kind: 'api_client' })), '#0f766e');
  colours.refresh();
  assert.equal(colours.refresh(), false);
  const before = given[3];
  people = [...people, { name: 'Person 0', colour: before }];
  assert.equal(colours.refresh(), true);
  assert.equal(colours.of(all[0]), before);
  assert.notEqual(colours.of(all[3]), before);
  assert.equal(colours.of(author('Ada')), '#0f766e');
});
