/** A picture in the settings, with buttons that replace and remove it, and the dialog that cuts out a square. */
import { h } from '../lib/dom.js';
import { SENT_SIZE, gripOf, pictureAddress, showPicture, squareOf } from '../lib/pictures.js';
import { formDialog } from './dialog.js';
import { toast, tryTo } from './toast.js';

/** @import { Crop } from '../lib/pictures.js' */

/** Part of the square that an arrow key moves it by. */
const STEP = 0.05;
const MOST_ZOOM = 4;
/** Of one press of a key. */
const ZOOM_STEP = 0.1;
/** Pixels of a wheel that enlarge a picture by the factor e. */
const WHEEL = 500;
/** @type {Record<string, number>} */
const ZOOMS = { '+': 1, '=': 1, '-': -1 };
/** @type {Record<string, [number, number]>} */
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Lets a person choose the square of a picture that is shown: by the mouse, a wheel, one or two fingers, or keys.
 * @param {string} title
 * @param {ImageBitmap} picture
 * @param {boolean} isRound whether pages show a circle of the square
 * @returns {Promise<Blob | null>} null when dismissed
 */
function cropDialog(title, picture, isRound) {
  /** @type {Crop} */
  const crop = { x: picture.width / 2, y: picture.height / 2, zoom: 1 };
  const canvas = h('canvas', {
    class: isRound ? 'crop round' : 'crop',
    width: SENT_SIZE,
    height: SENT_SIZE,
    tabindex: 0,
    role: 'img',
    'aria-label': 'The picture as it will be shown. Arrow keys move it, plus and minus change its size.',
  });
  const draw = () => {
    const { left, top, side } = squareOf(picture, crop);
    // What was moved beyond the edge is not moved back first.
    Object.assign(crop, { x: left + side / 2, y: top + side / 2 });
    const context = canvas.getContext('2d');
    if (!context) return;
    context.imageSmoothingQuality = 'high';
    context.clearRect(0, 0, SENT_SIZE, SENT_SIZE);
    context.drawImage(picture, left, top, side, side, 0, 0, SENT_SIZE, SENT_SIZE);
  };
  const move = (/** @type {number} */ right, /** @type {number} */ down) => {
    const { side } = squareOf(picture, crop);
    crop.x += right * side;
    crop.y += down * side;
    draw();
  };
  const zoom = h('input', { type: 'range', min: 1, max: MOST_ZOOM, step: 0.05, value: 1 });
  const enlarge = (/** @type {number} */ wanted) => {
    crop.zoom = Math.min(Math.max(wanted, 1), MOST_ZOOM);
    zoom.value = String(crop.zoom);
    draw();
  };
  zoom.addEventListener('input', () => enlarge(Number(zoom.value)));
  canvas.addEventListener('keydown', (event) => {
    const way = ARROWS[event.key];
    if (way) move(way[0] * STEP, way[1] * STEP);
    else if (event.key in ZOOMS) enlarge(crop.zoom + ZOOMS[event.key] * ZOOM_STEP);
    else return;
    event.preventDefault();
  });
  canvas.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      enlarge(crop.zoom * Math.exp(-event.deltaY / WHEEL));
    },
    { passive: false },
  );
  /** @type {Map<number, { x: number, y: number }>} The fingers on the picture, or the mouse. */
  const held = new Map();
  const hold = (/** @type {PointerEvent} */ { pointerId: id, clientX: x, clientY: y }) => held.set(id, { x, y });
  canvas.addEventListener('pointerdown', (event) => {
    canvas.setPointerCapture(event.pointerId);
    hold(event);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!held.has(event.pointerId)) return;
    const before = gripOf([...held.values()]);
    hold(event);
    const now = gripOf([...held.values()]);
    const shown = canvas.getBoundingClientRect().width;
    move((before.x - now.x) / shown, (before.y - now.y) / shown);
    if (before.distance > 0) enlarge((crop.zoom * now.distance) / before.distance);
  });
  canvas.addEventListener('lostpointercapture', ({ pointerId: id }) => held.delete(id));
  draw();
  return formDialog({
    title,
    fields: [canvas, h('label', { class: 'field' }, h('span', {}, 'Zoom'), zoom)],
    verb: 'Use this picture',
    act: () => new Promise((resolve) => canvas.toBlob(resolve, 'image/png')),
  });
}

/**
 * Makes a row with a picture.
 * @param {object} options
 * @param {string} options.title such as "Your picture"
 * @param {HTMLElement} options.shown the element with what is shown without a picture
 * @param {unknown} options.address
 * @param {boolean} [options.isRound] whether pages show a circle, not a square
 * @param {(picture: Blob) => Promise<unknown>} options.send returns the new address
 * @param {() => Promise<unknown>} options.remove
 * @param {(address: unknown) => void} options.changed called with the new address, null for none
 * @returns {HTMLElement}
 */
export function pictureField({ title, shown, address, isRound = false, send, remove, changed }) {
  const chooser = h('input', {
    type: 'file',
    accept: 'image/jpeg,image/png,image/gif,image/webp,image/avif',
    hidden: true,
  });
  const removal = h('button', { class: 'button', type: 'button' }, 'Remove');
  const choice = h('button', { class: 'button', type: 'button', onclick: () => chooser.click() }, 'Upload…');
  const show = (/** @type {unknown} */ now) => {
    showPicture(shown, now);
    removal.hidden = pictureAddress(now) === null;
  };
  chooser.addEventListener('change', async () => {
    const file = chooser.files?.[0];
    chooser.value = '';
    if (!file) return;
    const picture = await createImageBitmap(file).catch(() => null);
    if (!picture) {
      toast('This file is not a picture that can be shown.');
      return;
    }
    const square = await cropDialog(title, picture, isRound);
    picture.close();
    if (!square) return;
    await tryTo(async () => {
      const now = await send(square);
      show(now);
      changed(now);
      toast('The picture is saved.');
    });
    choice.focus();
  });
  removal.addEventListener('click', () =>
    tryTo(async () => {
      await remove();
      show(null);
      changed(null);
      choice.focus();
    }),
  );
  show(address);
  return h(
    'div',
    { class: 'picture-field', role: 'group', 'aria-label': title },
    shown,
    h('div', { class: 'actions start' }, choice, removal, chooser),
  );
}
