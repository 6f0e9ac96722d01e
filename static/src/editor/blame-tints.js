/** The tints of authors in the editor: runs that follow its changes, and decorations of those in sight. */
import { Compartment, Prec, RangeSetBuilder, StateEffect, StateField } from '@codemirror/state';
import { Decoration, ViewPlugin } from '@codemirror/view';
import { ySyncAnnotation } from 'y-codemirror.next';
import { aligned, edited, runAt } from '../lib/blame-runs.js';

/** @import { Extension, Transaction } from '@codemirror/state' */
/** @import { DecorationSet, EditorView, ViewUpdate } from '@codemirror/view' */
/** @import { Edit, Run } from '../lib/blame-runs.js' */

/**
 * `look`: the colour of the author with a key, and the words for what the author wrote at a time (milliseconds); null where
 * nobody is known. `writer`: the key of the author of an edit that did not begin in this editor. `own`: the key of the person of
 * this page. `changed`: called after the text, the tints or the place of the cursor have changed.
 * @typedef {object} TintOptions
 * @property {(key: string) => { colour: string, words: (at: number | null) => string } | null} look
 * @property {() => string} writer
 * @property {() => string} own
 * @property {() => void} changed
 */

/** @type {import('@codemirror/state').StateEffectType<Run[]>} */
const setRuns = StateEffect.define();

export class Tints {
  /**
   * @param {EditorView} view
   * @param {TintOptions} options
   */
  constructor(view, { look, writer, own, changed }) {
    this.view = view;
    this.look = look;
    this.changed = changed;
    this.place = new Compartment();
    this.isPlaced = false;
    this.field = StateField.define({
      create: () => /** @type {Run[]} */ ([]),
      update: (runs, transaction) => {
        for (const effect of transaction.effects) if (effect.is(setRuns)) return effect.value;
        if (!transaction.docChanged) return runs;
        return edited(runs, editsIn(transaction, transaction.annotation(ySyncAnnotation) ? writer() : own()));
      },
    });
    /** @type {Extension} */
    // Inside the marks of Markdown, so that a tint is as high as its text.
    this.extension = [this.field, Prec.highest(this.plugin())];
  }

  attach() {
    const { place, extension } = this;
    this.view.dispatch({
      effects: this.isPlaced ? place.reconfigure(extension) : StateEffect.appendConfig.of(place.of(extension)),
    });
    this.isPlaced = true;
  }

  detach() {
    this.view.dispatch({ effects: this.place.reconfigure([]) });
  }

  get runs() {
    return this.view.state.field(this.field, false) ?? [];
  }

  /**
   * Takes the runs of a text that was read. The text of the editor may have changed meanwhile.
   * @param {Run[]} read
   * @param {string} text
   */
  take(read, text) {
    const runs = aligned({ read, text, now: this.view.state.sliceDoc(), known: this.runs });
    this.view.dispatch({ effects: setRuns.of(runs) });
  }

  /** Tints again, because authors have other colours. */
  repaint() {
    this.view.dispatch({ effects: setRuns.of([...this.runs]) });
  }

  /** Words for who wrote the character before the cursor, and when; '' where nobody is known. */
  get here() {
    const run = runAt(this.runs, this.view.state.selection.main.head);
    return (run && this.look(run.author)?.words(run.at)) ?? '';
  }

  plugin() {
    const { field, look, changed } = this;
    return ViewPlugin.fromClass(
      class {
        /** @param {EditorView} view */
        constructor(view) {
          this.decorations = decorate(view, view.state.field(field), look);
        }

        /** @param {ViewUpdate} update */
        update({ view, state, startState, viewportChanged, selectionSet }) {
          const isNew = state.field(field) !== startState.field(field, false);
          if (isNew || selectionSet) queueMicrotask(changed);
          if (isNew || viewportChanged) this.decorations = decorate(view, state.field(field), look);
        }
      },
      { decorations: ({ decorations }) => decorations },
    );
  }
}

/**
 * @param {Transaction} transaction
 * @param {string} author
 * @returns {Edit[]}
 */
function editsIn({ changes }, author) {
  /** @type {Edit[]} */
  const edits = [];
  const at = Date.now();
  changes.iterChanges((from, to, _from, _to, { length }) => edits.push({ from, to, length, author, at }), true);
  return edits;
}

/**
 * @param {EditorView} view
 * @param {Run[]} runs
 * @param {TintOptions['look']} look
 * @returns {DecorationSet}
 */
function decorate({ visibleRanges, state }, runs, look) {
  /** @type {RangeSetBuilder<Decoration>} */
  const marks = new RangeSetBuilder();
  let start = 0;
  let range = 0;
  for (const run of runs) {
    const end = Math.min(start + run.length, state.doc.length);
    const credit = look(run.author);
    while (range < visibleRanges.length && visibleRanges[range].to <= start) range += 1;
    for (let each = range; credit && each < visibleRanges.length && visibleRanges[each].from < end; each += 1) {
      const [from, to] = [Math.max(start, visibleRanges[each].from), Math.min(end, visibleRanges[each].to)];
      if (from < to) marks.add(from, to, tint(credit.colour, credit.words(run.at)));
    }
    start = end;
  }
  return marks.finish();
}

/**
 * @param {string} colour
 * @param {string} title
 */
const tint = (colour, title) =>
  Decoration.mark({ class: 'blame', attributes: { style: `--person: ${colour}`, title } });
