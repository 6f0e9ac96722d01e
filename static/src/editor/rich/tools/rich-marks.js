/** The texts in the rich text editor that comments and suggestions are about. They follow its changes. */
import { Plugin, PluginKey } from '@tiptap/pm/state';
import { Decoration, DecorationSet } from '@tiptap/pm/view';
import { CLASSES } from '../../comment-marks.js';
import { offsetOf } from '../positions.js';

/** @import { Editor } from '@tiptap/core' */
/** @import { Node } from '@tiptap/pm/model' */
/** @import { Mapping } from '@tiptap/pm/transform' */
/** @import { Anchored, MarkOptions, Place, TextMarks } from '../../editor-types.js' */

/** @typedef {{ places: Place[], active: string }} Shown */

/** @type {PluginKey<Shown>} */
const KEY = new PluginKey('textMarks');

/** @implements {TextMarks} */
export class RichMarks {
  /**
   * @param {Editor} editor
   * @param {MarkOptions} options
   */
  constructor(editor, { chosen, changed, comment, step }) {
    this.editor = editor;
    /** @type {Anchored[]} */
    this.anchored = [];
    /** @type {Record<string, () => boolean>} */
    const keys = { KeyM: comment, KeyN: () => step(1), KeyP: () => step(-1) };
    editor.registerPlugin(
      new Plugin({
        key: KEY,
        state: {
          init: () => ({ places: [], active: '' }),
          apply: (transaction, value) => {
            const places = transaction.docChanged ? moved(value.places, transaction.mapping) : value.places;
            const next = transaction.getMeta(KEY);
            return next || places !== value.places ? { ...value, places, ...next } : value;
          },
        },
        props: {
          decorations: (state) => decorate(state.doc, KEY.getState(state) ?? { places: [], active: '' }),
          handleClick: (_view, at, event) => {
            const found = this.keysAt(at, event);
            if (found.length > 0) chosen(found);
            return false;
          },
          handleKeyDown: (_view, event) => {
            const act = (event.ctrlKey || event.metaKey) && event.altKey ? keys[event.code] : undefined;
            return act?.() ?? false;
          },
        },
        view: () => ({
          update: (view, before) => {
            if (view.state.doc !== before.doc || view.state.selection !== before.selection) {
              // An edit of others replaces more than they have changed: Yjs knows where the marked texts are.
              if (view.state.doc !== before.doc) this.placeAgain();
              changed();
            } else if (KEY.getState(view.state) !== KEY.getState(before)) changed();
          },
        }),
      }),
    );
  }

  get places() {
    return KEY.getState(this.editor.state)?.places ?? [];
  }

  /**
   * @param {Anchored[]} anchored
   * @param {Place[]} [others]
   */
  show(anchored, others = []) {
    this.anchored = anchored;
    const places = [...this.find(), ...others];
    if (JSON.stringify(places) !== JSON.stringify(this.places)) this.say({ places });
  }

  /** @returns {Place[]} */
  find() {
    return this.anchored.flatMap(({ key, kind, start, end, inserted }) => {
      const [from, to] = [start, end].map((position) => offsetOf(this.editor.state, position));
      if (from === null || to === null || from > to || (from === to && !inserted)) return [];
      return [{ key, kind, from, to, inserted }];
    });
  }

  placeAgain() {
    queueMicrotask(() => {
      if (!this.editor.isDestroyed) this.show(this.anchored);
    });
  }

  /** @param {Partial<Shown>} shown */
  say(shown) {
    this.editor.view.dispatch(this.editor.state.tr.setMeta(KEY, shown).setMeta('addToHistory', false));
  }

  /** @param {string} key */
  activate(key) {
    if (KEY.getState(this.editor.state)?.active !== key) this.say({ active: key });
  }

  /**
   * @param {number} at
   * @param {MouseEvent} event
   */
  keysAt(at, event) {
    const mark = event.target instanceof Element ? event.target.closest('ins[data-mark]') : null;
    if (mark instanceof HTMLElement && mark.dataset.mark) return [mark.dataset.mark];
    return this.places
      .filter(({ from, to, kind }) => kind !== 'draft' && from <= at && at <= to && from < to)
      .sort((a, b) => a.to - a.from - (b.to - b.from))
      .map(({ key }) => key);
  }

  /** @param {string} key */
  placeOf(key) {
    return this.places.find((place) => place.key === key);
  }

  /** @param {string} key */
  topOf(key) {
    const place = this.placeOf(key);
    return place ? this.editor.view.coordsAtPos(place.from, 1).top + scrollY : null;
  }

  /** @param {string} key */
  scrollTo(key) {
    const place = this.placeOf(key);
    if (!place) return;
    const { top } = this.editor.view.coordsAtPos(place.from, 1);
    scrollTo({ top: top + scrollY - innerHeight / 2 });
  }
}

/**
 * @param {Place[]} places
 * @param {Mapping} mapping
 */
const moved = (places, mapping) =>
  places.map((place) => {
    const from = mapping.map(place.from, 1);
    return { ...place, from, to: Math.max(from, mapping.map(place.to, -1)) };
  });

/**
 * @param {Node} doc
 * @param {Shown} shown
 */
function decorate(doc, { places, active }) {
  /** @type {Decoration[]} */
  const marks = [];
  for (const { key, kind, from, to, inserted } of places) {
    const name = CLASSES[kind];
    const attributes = { class: key === active ? `${name} active` : name, 'data-mark': key };
    if (from < to) marks.push(Decoration.inline(from, to, attributes));
    if (inserted)
      marks.push(Decoration.widget(to, () => insertion(key, inserted), { side: 1, key: `${key} ${inserted}` }));
  }
  return DecorationSet.create(doc, marks);
}

/**
 * @param {string} key
 * @param {string} text
 */
function insertion(key, text) {
  const element = document.createElement('ins');
  element.className = 'suggested';
  element.dataset.mark = key;
  element.textContent = text;
  return element;
}
