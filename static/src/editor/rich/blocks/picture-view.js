/** How the page shows pictures, of which it loads only those of this server: with a caption, and an edge to drag. */
import { h } from '../../../lib/dom.js';
import { isOwnPicture, isSafe } from '../addresses.js';

/** @import { NodeViewRenderer } from '@tiptap/core' */
/** @import { Node } from '@tiptap/pm/model' */

/** Pixels. */
export const LEAST_PICTURE = 48;
const SHOWN = ['src', 'alt', 'title', 'width'];

/**
 * The width of a picture in pixels. null: its own.
 * @param {unknown} stored
 */
export function widthOf(stored) {
  const width = typeof stored === 'string' || typeof stored === 'number' ? parseInt(String(stored), 10) : NaN;
  return width > 0 && !String(stored).endsWith('%') ? Math.max(LEAST_PICTURE, width) : null;
}

/**
 * @param {(src: string) => Promise<string>} addressOf an address that the browser can follow
 * @returns {NodeViewRenderer}
 */
export const pictureView =
  (addressOf) =>
  ({ node, editor, getPos }) => {
    let shown = node;
    const dom = h('figure', { class: 'picture' });
    const image = h('img', { draggable: 'false', loading: 'lazy' });
    const edge = h('span', { class: 'picture-edge', 'aria-hidden': 'true' });
    const frame = h('div', { class: 'picture-frame' }, image, edge);
    const caption = h('figcaption', {});
    image.addEventListener('error', () => dom.toggleAttribute('data-missing', true));
    let loaded = '';
    const show = () => {
      const { src, alt, title, width } = shown.attrs;
      caption.textContent = title ?? '';
      if (isOwnPicture(src, location.origin)) {
        image.alt = alt ?? '';
        const wanted = widthOf(width);
        image.style.width = wanted ? `${wanted}px` : '';
        if (loaded !== src) {
          loaded = src;
          dom.removeAttribute('data-missing');
          addressOf(src).then((address) => {
            image.src = address;
          });
        }
        dom.replaceChildren(frame, ...(title ? [caption] : []));
        return;
      }
      loaded = '';
      const label = alt || title || 'Picture';
      const link = isSafe(src)
        ? h('a', { href: src, target: '_blank', rel: 'noopener noreferrer nofollow' }, 'Open')
        : null;
      // Another server would learn who reads this document, and when.
      dom.replaceChildren(h('span', { class: 'picture-elsewhere' }, `${label} (a picture of another site) `, link));
    };
    show();
    edge.addEventListener('pointerdown', (begin) => {
      if (!editor.isEditable || begin.button !== 0) return;
      begin.preventDefault();
      edge.setPointerCapture(begin.pointerId);
      const from = image.offsetWidth;
      const sign = getComputedStyle(dom).direction === 'rtl' ? -1 : 1;
      const widthAt = (/** @type {PointerEvent} */ { clientX }) =>
        Math.round(
          Math.max(
            LEAST_PICTURE,
            Math.min(from + sign * (clientX - begin.clientX), dom.parentElement?.clientWidth ?? Infinity),
          ),
        );
      const move = (/** @type {PointerEvent} */ event) => {
        image.style.width = `${widthAt(event)}px`;
      };
      const end = (/** @type {PointerEvent} */ event) => {
        edge.removeEventListener('pointermove', move);
        edge.removeEventListener('pointerup', end);
        edge.removeEventListener('pointercancel', end);
        const at = getPos();
        if (event.type === 'pointerup' && at !== undefined && widthAt(event) !== from)
          editor.view.dispatch(
            editor.state.tr.setNodeAttribute(at, 'width', widthAt(event)).setNodeAttribute(at, 'height', null),
          );
        else show();
      };
      edge.addEventListener('pointermove', move);
      edge.addEventListener('pointerup', end);
      edge.addEventListener('pointercancel', end);
    });
    return {
      dom,
      update(/** @type {Node} */ next) {
        if (next.type !== shown.type) return false;
        const isOther = SHOWN.some((name) => next.attrs[name] !== shown.attrs[name]);
        shown = next;
        if (isOther) show();
        return true;
      },
      stopEvent: (event) => event.target === edge,
      ignoreMutation: () => true,
    };
  };
