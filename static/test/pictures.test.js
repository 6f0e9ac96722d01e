import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gripOf, pictureAddress, squareOf } from '../src/lib/pictures.js';

const ADDRESS = '/api/v1/pictures/3f2b8c1e-5a4d-4c7b-9e1f-2a6d8c0b4e35/0123456789abcdef';

test('only addresses of pictures of this server are shown', () => {
  assert.equal(pictureAddress(ADDRESS), ADDRESS);
  for (const other of [
    null,
    undefined,
    5,
    '',
    '🌱',
    `https://a.org${ADDRESS}`,
    `${ADDRESS}/../x`,
    `/${ADDRESS}`,
    `${ADDRESS}"`,
  ])
    assert.equal(pictureAddress(other), null);
});

test('a square is the middle at first, and never leaves the picture', () => {
  const picture = { width: 300, height: 100 };
  assert.deepEqual(squareOf(picture, { x: 150, y: 50, zoom: 1 }), { left: 100, top: 0, side: 100 });
  assert.deepEqual(squareOf(picture, { x: 150, y: 50, zoom: 2 }), { left: 125, top: 25, side: 50 });
  assert.deepEqual(squareOf(picture, { x: -999, y: 999, zoom: 2 }), { left: 0, top: 50, side: 50 });
  assert.deepEqual(squareOf(picture, { x: 999, y: 0, zoom: 0 }), { left: 200, top: 0, side: 100 });
});

test('two fingers hold a picture at their middle and by their distance', () => {
  assert.deepEqual(gripOf([{ x: 4, y: 6 }]), { x: 4, y: 6, distance: 0 });
  assert.deepEqual(
    gripOf([
      { x: 0, y: 0 },
      { x: 6, y: 8 },
    ]),
    { x: 3, y: 4, distance: 10 },
  );
});
