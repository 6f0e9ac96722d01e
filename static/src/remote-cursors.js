/**
 * Cursors and selections of the others, drawn in layers beside the text, so that they neither move nor restyle it.
 * Wire format as in y-codemirror.next: awareness field `cursor` {anchor, head}, Yjs relative positions as JSON.
 *
 * Names and colours come from other people: colours are only taken when they are plain `#rrggbb`.
 */
import { Annotation, EditorSelection } from '@codemirror/state';
import { RectangleMarker, ViewPlugin, layer } from '@codemirror/view';
import * as Y from 'yjs';
import { inkOn, safeColour, tidyName } from './identity.js';

const NAME_SHOWN = 3500;
const moved = Annotation.define();

const absolute = (position, text) => {
  try {
    const found = Y.createAbsolutePositionFromRelativePosition(Y.createRelativePositionFromJSON(position), text.doc);
    return found?.type === text ? found.index : null;
  } catch {
    return null;
  }
};

/** @returns {{client: number, name: string, colour: string, anchor: number, head: number}[]} */
function cursors(awareness, text, length) {
  const found = [];
  for (const [client, state] of awareness.getStates()) {
    if (client === awareness.clientID || !state.cursor?.anchor || !state.cursor?.head) continue;
    const anchor = absolute(state.cursor.anchor, text);
    const head = absolute(state.cursor.head, text);
    if (anchor === null || head === null) continue;
    const name = tidyName(state.user?.name) || 'Guest';
    const colour = safeColour(state.user?.color, client);
    found.push({ client, name, colour, anchor: Math.min(anchor, length), head: Math.min(head, length) });
  }
  return found;
}

class Selected {
  constructor(rectangle, colour) {
    this.rectangle = rectangle;
    this.colour = colour;
  }

  eq(other) { return this.colour === other.colour && this.rectangle.eq(other.rectangle); }

  draw() {
    const element = this.rectangle.draw();
    element.style.setProperty('--person', this.colour);
    return element;
  }

  update(element, previous) {
    if (!this.rectangle.update(element, previous.rectangle)) return false;
    element.style.setProperty('--person', this.colour);
    return true;
  }
}

class Caret {
  constructor(cursor, rectangle, width) {
    this.cursor = cursor;
    this.rectangle = rectangle;
    this.toLeft = rectangle.left > width - 140;
  }

  eq({ cursor, rectangle, toLeft }) {
    const { client, name, colour, head } = this.cursor;
    return client === cursor.client && name === cursor.name && colour === cursor.colour && head === cursor.head &&
      toLeft === this.toLeft && rectangle.eq(this.rectangle);
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

  update(element, previous) {
    if (previous.cursor.client !== this.cursor.client) return false;
    this.place(element);
    if (previous.cursor.head !== this.cursor.head) this.announce(element.firstChild);
    return true;
  }

  place(element) {
    const { left, top, height } = this.rectangle;
    Object.assign(element.style, { left: `${left}px`, top: `${top}px`, height: `${height}px` });
    element.style.setProperty('--person', this.cursor.colour);
    element.style.setProperty('--ink', inkOn(this.cursor.colour));
    element.classList.toggle('to-left', this.toLeft);
    element.firstChild.textContent = this.cursor.name;
  }

  announce(label) {
    label.getAnimations?.().forEach((animation) => animation.cancel());
    label.animate?.([{ opacity: 1 }, { opacity: 1, offset: 0.92 }, { opacity: 0 }], NAME_SHOWN);
  }
}

const stale = (update) => update.docChanged || update.geometryChanged || update.viewportChanged ||
  update.transactions.some((transaction) => transaction.annotation(moved));

export function remoteCursors(awareness, text) {
  const publish = (view) => {
    if (!view.hasFocus || awareness.getLocalState() === null) return;
    const { anchor, head } = view.state.selection.main;
    const known = awareness.getLocalState().cursor;
    if (known && absolute(known.anchor, text) === anchor && absolute(known.head, text) === head) return;
    awareness.setLocalStateField('cursor', {
      anchor: Y.createRelativePositionFromTypeIndex(text, anchor),
      head: Y.createRelativePositionFromTypeIndex(text, head),
    });
  };

  const exchange = ViewPlugin.define((view) => {
    const others = ({ added, updated, removed }) => {
      if ([...added, ...updated, ...removed].some((client) => client !== awareness.clientID)) {
        view.dispatch({ annotations: moved.of(true) });
      }
    };
    awareness.on('change', others);
    return {
      update(update) {
        if (update.selectionSet || update.docChanged || update.focusChanged) publish(update.view);
      },
      destroy() { awareness.off('change', others); },
    };
  });

  const selections = layer({
    above: false,
    class: 'remote-selections',
    update: stale,
    markers: (view) => cursors(awareness, text, view.state.doc.length)
      .filter(({ anchor, head }) => anchor !== head)
      .flatMap(({ anchor, head, colour }) => RectangleMarker
        .forRange(view, 'remote-selection', EditorSelection.range(anchor, head))
        .map((rectangle) => new Selected(rectangle, colour))),
  });

  const carets = layer({
    above: true,
    class: 'remote-carets',
    update: stale,
    markers: (view) => cursors(awareness, text, view.state.doc.length).flatMap((cursor) => RectangleMarker
      .forRange(view, '', EditorSelection.cursor(cursor.head))
      .map((rectangle) => new Caret(cursor, rectangle, view.contentDOM.clientWidth))),
  });

  return [exchange, selections, carets];
}
