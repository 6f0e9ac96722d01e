/**
 * Draws the cursors and selections of others in layers beside the text, so that they neither move nor restyle it.
 * Wire format as in y-codemirror.next: awareness field `cursor` {anchor, head}, Yjs relative positions as JSON.
 *
 * Names and colours come from other people: colours are only taken when they are plain `#rrggbb`.
 */
import { Annotation, EditorSelection } from '@codemirror/state';
import { RectangleMarker, ViewPlugin, layer } from '@codemirror/view';
import * as Y from 'yjs';
import { inkOn, safeColour, shownName } from '../lib/identity.js';

/** @import { EditorView, LayerMarker, ViewUpdate } from '@codemirror/view' */
/** @import { Awareness } from 'y-protocols/awareness' */

/** @typedef {{ client: number, name: string, colour: string, anchor: number, head: number }} Cursor */

const NAME_SHOWN = 3500;
/** @type {import('@codemirror/state').AnnotationType<boolean>} */
const moved = Annotation.define();

/**
 * The index of a relative position in `text`; null where it is in none.
 * @param {any} position
 * @param {Y.Text} text
 */
const absolute = (position, text) => {
  try {
    if (!text.doc) return null;
    const found = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(position), text.doc);
    return found?.type === text ? found.index : null;
  } catch {
    return null;
  }
};

/**
 * @param {Awareness} awareness
 * @param {Y.Text} text
 * @param {number} length of the text in the editor
 * @returns {Cursor[]}
 */
function cursors(awareness, text, length) {
  const found = [];
  for (const [client, state] of awareness.getStates()) {
    if (client === awareness.clientID || !state.cursor?.anchor || !state.cursor?.head) continue;
    const anchor = absolute(state.cursor.anchor, text);
    const head = absolute(state.cursor.head, text);
    if (anchor === null || head === null) continue;
    const name = shownName(state.user?.name) || 'Guest';
    const colour = safeColour(state.user?.color, client);
    found.push({ client, name, colour, anchor: Math.min(anchor, length), head: Math.min(head, length) });
  }
  return found;
}

/** @implements {LayerMarker} */
class Selected {
  /**
   * @param {RectangleMarker} rectangle
   * @param {string} colour
   */
  constructor(rectangle, colour) {
    this.rectangle = rectangle;
    this.colour = colour;
  }

  /**
   * @param {LayerMarker} other
   * @returns {boolean}
   */
  eq(other) {
    if (!(other instanceof Selected)) return false;
    return this.colour === other.colour && this.rectangle.eq(other.rectangle);
  }

  draw() {
    const element = this.rectangle.draw();
    element.style.setProperty('--person', this.colour);
    return element;
  }

  /**
   * @param {HTMLElement} element
   * @param {LayerMarker} previous
   */
  update(element, previous) {
    if (!(previous instanceof Selected)) return false;
    if (!this.rectangle.update(element, previous.rectangle)) return false;
    element.style.setProperty('--person', this.colour);
    return true;
  }
}

/** @implements {LayerMarker} */
class Caret {
  /**
   * @param {Cursor} cursor
   * @param {RectangleMarker} rectangle
   * @param {number} width of the text
   */
  constructor(cursor, rectangle, width) {
    this.cursor = cursor;
    this.rectangle = rectangle;
    this.toLeft = rectangle.left > width - 140;
  }

  /**
   * @param {LayerMarker} other
   * @returns {boolean}
   */
  eq(other) {
    if (!(other instanceof Caret)) return false;
    const { cursor, rectangle, toLeft } = other;
    const { client, name, colour, head } = this.cursor;
    return (
      client === cursor.client &&
      name === cursor.name &&
      colour === cursor.colour &&
      head === cursor.head &&
      toLeft === this.toLeft &&
      rectangle.eq(this.rectangle)
    );
  }

  draw() {
    const element = document.createElement('div');
    element.className = 'remote-caret';
    const label = document.createElement('span');
    label.className = 'remote-name';
    element.append(label);
    this.place(element);
    this.announce(label);
    return element;
  }

  /**
   * @param {HTMLElement} element
   * @param {LayerMarker} previous
   */
  update(element, previous) {
    if (!(previous instanceof Caret) || previous.cursor.client !== this.cursor.client) return false;
    this.place(element);
    if (previous.cursor.head !== this.cursor.head) this.announce(element.firstElementChild);
    return true;
  }

  /** @param {HTMLElement} element */
  place(element) {
    const { left, top, height } = this.rectangle;
    Object.assign(element.style, { left: `${left}px`, top: `${top}px`, height: `${height}px` });
    element.style.setProperty('--person', this.cursor.colour);
    element.style.setProperty('--ink', inkOn(this.cursor.colour));
    element.classList.toggle('to-left', this.toLeft);
    if (element.firstElementChild) element.firstElementChild.textContent = this.cursor.name;
  }

  /** @param {Element | null} label */
  announce(label) {
    if (!label) return;
    label.getAnimations?.().forEach((animation) => animation.cancel());
    label.animate?.([{ opacity: 1 }, { opacity: 1, offset: 0.92 }, { opacity: 0 }], NAME_SHOWN);
  }
}

/** @param {ViewUpdate} update */
const stale = (update) =>
  update.docChanged ||
  update.geometryChanged ||
  update.viewportChanged ||
  update.transactions.some((transaction) => transaction.annotation(moved));

/**
 * @param {Awareness} awareness
 * @param {Y.Text} text
 */
export function remoteCursors(awareness, text) {
  const publish = (/** @type {EditorView} */ view) => {
    const state = awareness.getLocalState();
    if (!view.hasFocus || state === null) return;
    const { anchor, head } = view.state.selection.main;
    const known = state.cursor;
    if (known && absolute(known.anchor, text) === anchor && absolute(known.head, text) === head) return;
    awareness.setLocalStateField('cursor', {
      anchor: Y.createRelativePositionFromTypeIndex(text, anchor),
      head: Y.createRelativePositionFromTypeIndex(text, head),
    });
  };

  const exchange = ViewPlugin.define((view) => {
    const others = (/** @type {Record<'added' | 'updated' | 'removed', number[]>} */ { added, updated, removed }) => {
      if ([...added, ...updated, ...removed].some((client) => client !== awareness.clientID)) {
        view.dispatch({ annotations: moved.of(true) });
      }
    };
    awareness.on('change', others);
    return {
      update(update) {
        if (update.selectionSet || update.docChanged || update.focusChanged) publish(update.view);
      },
      destroy() {
        awareness.off('change', others);
      },
    };
  });

  const selections = layer({
    above: false,
    class: 'remote-selections',
    update: stale,
    markers: (view) =>
      cursors(awareness, text, view.state.doc.length)
        .filter(({ anchor, head }) => anchor !== head)
        .flatMap(({ anchor, head, colour }) =>
          RectangleMarker.forRange(view, 'remote-selection', EditorSelection.range(anchor, head)).map(
            (rectangle) => new Selected(rectangle, colour),
          ),
        ),
  });

  const carets = layer({
    above: true,
    class: 'remote-carets',
    update: stale,
    markers: (view) =>
      cursors(awareness, text, view.state.doc.length).flatMap((cursor) =>
        RectangleMarker.forRange(view, '', EditorSelection.cursor(cursor.head)).map(
          (rectangle) => new Caret(cursor, rectangle, view.contentDOM.clientWidth),
        ),
      ),
  });

  return [exchange, selections, carets];
}
