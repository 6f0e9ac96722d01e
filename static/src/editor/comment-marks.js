/** The texts in the editor that comments and suggestions are about. They follow its changes. */
import { offer } from '../lib/commands.js';
import { shown as shownKey } from './markdown/actions.js';
import { StateEffect, StateField } from '@codemirror/state';
import { Decoration, EditorView, WidgetType, keymap } from '@codemirror/view';
import { offsetOf } from '../lib/relative-positions.js';
import { textOf } from './content.js';

/** @import { Range } from '@codemirror/state' */
/** @import { DecorationSet } from '@codemirror/view' */
/** @import { Anchored, MarkOptions, Place, TextMarks } from './editor-types.js' */

/** @type {Record<Place['kind'], string>} */
export const CLASSES = {
  comment: 'commented',
  draft: 'commented draft',
  suggestion: 'suggested-away',
  typed: 'suggested',
};

/** @type {import('@codemirror/state').StateEffectType<Place[]>} */
const setPlaces = StateEffect.define();
/** @type {import('@codemirror/state').StateEffectType<string>} */
const setActive = StateEffect.define();

/** A text of a suggestion that is not in the text of the editor: one that it inserts, or one that it deletes. */
class Hunk extends WidgetType {
  /**
   * @param {string} key
   * @param {string} text
   * @param {'ins' | 'del'} tag
   */
  constructor(key, text, tag) {
    super();
    this.tag = tag;
    this.key = key;
    this.text = text;
  }

  /**
   * @override
   * @param {Hunk} other
   */
  eq(other) {
    return other.key === this.key && other.text === this.text && other.tag === this.tag;
  }

  /** @override */
  toDOM() {
    const element = document.createElement(this.tag);
    element.className = this.tag === 'ins' ? 'suggested' : 'suggested-away';
    element.dataset.mark = this.key;
    element.textContent = this.text;
    return element;
  }

  /** @override */
  ignoreEvent() {
    return false;
  }
}

/** @implements {TextMarks} */
export class CommentMarks {
  /**
   * @param {EditorView} view
   * @param {import('yjs').Doc} doc
   * @param {MarkOptions} options
   */
  constructor(view, doc, { chosen, changed, comment, step }) {
    this.view = view;
    this.doc = doc;
    this.text = textOf(doc);
    this.field = StateField.define({
      create: () => /** @type {{ places: Place[], active: string }} */ ({ places: [], active: '' }),
      update: (value, { effects, docChanged, changes }) => {
        let next = value;
        if (docChanged) next = { ...next, places: next.places.map((place) => moved(place, changes)) };
        for (const effect of effects) {
          if (effect.is(setPlaces)) next = { ...next, places: effect.value };
          else if (effect.is(setActive)) next = { ...next, active: effect.value };
        }
        return next;
      },
      provide: (field) => EditorView.decorations.from(field, ({ places, active }) => decorate(places, active)),
    });
    /** @type {{ key: string, label: string, run: () => boolean }[]} */
    const bindings = [
      { key: 'Mod-Alt-m', label: 'Comment on what is selected', run: comment },
      { key: 'Mod-Alt-n', label: 'Next comment', run: () => step(1) },
      { key: 'Mod-Alt-p', label: 'Previous comment', run: () => step(-1) },
    ];
    offer(() =>
      view.dom.isConnected
        ? bindings.map(({ key, label, run }) => ({
            label,
            group: 'Comments',
            icon: 'comment',
            keys: [shownKey(key)],
            act: run,
          }))
        : [],
    );
    view.dispatch({
      effects: StateEffect.appendConfig.of([
        this.field,
        EditorView.domEventHandlers({
          click: (event) => {
            const keys = this.keysAt(event);
            if (keys.length > 0) chosen(keys);
          },
        }),
        EditorView.updateListener.of((update) => {
          const isOther = update.state.field(this.field) !== update.startState.field(this.field, false);
          if (update.docChanged || update.selectionSet || update.geometryChanged || isOther) changed();
        }),
        keymap.of([...bindings.map(({ key, run }) => ({ key, run, preventDefault: true }))]),
      ]),
    });
  }

  get places() {
    return this.view.state.field(this.field).places;
  }

  /**
   * Marks other texts. A text that is gone has no mark.
   * @param {Anchored[]} anchored
   * @param {Place[]} [others] places that are known as offsets
   */
  show(anchored, others = []) {
    const found = anchored.flatMap(({ key, kind, start, end, inserted }) => {
      const [from, to] = [start, end].map((position) => offsetOf(this.doc, this.text, position));
      if (from === null || to === null || from > to || (from === to && !inserted)) return [];
      return [{ key, kind, from, to, inserted }];
    });
    const { length } = this.view.state.doc;
    const places = [...found, ...others].filter(({ to }) => to <= length);
    if (JSON.stringify(places) !== JSON.stringify(this.places)) this.view.dispatch({ effects: setPlaces.of(places) });
  }

  /** @param {string} key '': none */
  activate(key) {
    if (this.view.state.field(this.field).active !== key) this.view.dispatch({ effects: setActive.of(key) });
  }

  /** @param {MouseEvent} event */
  keysAt(event) {
    const mark = event.target instanceof Element ? event.target.closest(':is(ins, del)[data-mark]') : null;
    if (mark instanceof HTMLElement && mark.dataset.mark) return [mark.dataset.mark];
    const at = this.view.posAtCoords({ x: event.clientX, y: event.clientY });
    if (at === null) return [];
    return this.places
      .filter(({ from, to, kind }) => kind !== 'draft' && kind !== 'typed' && from <= at && at <= to && from < to)
      .sort((a, b) => a.to - a.from - (b.to - b.from))
      .map(({ key }) => key);
  }

  /** @param {string} key */
  placeOf(key) {
    return this.places.find((place) => place.key === key);
  }

  /**
   * The distance of a marked text from the top of the page's content; null where there is none.
   * @param {string} key
   */
  topOf(key) {
    const place = this.placeOf(key);
    if (!place) return null;
    const shown = this.view.coordsAtPos(place.from, 1)?.top;
    return (shown ?? this.view.documentTop + this.view.lineBlockAt(place.from).top) + scrollY;
  }

  /** @param {string} key */
  scrollTo(key) {
    const place = this.placeOf(key);
    if (place) this.view.dispatch({ effects: EditorView.scrollIntoView(place.from, { y: 'center' }) });
  }
}

/**
 * @param {Place} place
 * @param {import('@codemirror/state').ChangeDesc} changes
 */
function moved(place, changes) {
  const from = changes.mapPos(place.from, 1);
  return { ...place, from, to: Math.max(from, changes.mapPos(place.to, -1)) };
}

/**
 * @param {Place[]} places
 * @param {string} active
 * @returns {DecorationSet}
 */
function decorate(places, active) {
  /** @type {Range<Decoration>[]} */
  const marks = [];
  for (const { key, kind, from, to, inserted, deleted } of places) {
    const name = CLASSES[kind];
    const attributes = { 'data-mark': key };
    if (from < to)
      marks.push(Decoration.mark({ class: key === active ? `${name} active` : name, attributes }).range(from, to));
    if (inserted) marks.push(Decoration.widget({ widget: new Hunk(key, inserted, 'ins'), side: 1 }).range(to));
    if (deleted) marks.push(Decoration.widget({ widget: new Hunk(key, deleted, 'del'), side: -1 }).range(from));
  }
  return Decoration.set(marks, true);
}
