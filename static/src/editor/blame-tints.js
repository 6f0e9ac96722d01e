/** The tints of authors in the editor: runs that follow its changes, and decorations of those in sight. */
import { Compartment, Prec, RangeSetBuilder, StateEffect, StateField } from '@codemirror/state';
import { Decoration, ViewPlugin } from '@codemirror/view';
import { ySyncAnnotation } from 'y-codemirror.next';
import { edited, runAt } from '../lib/blame-runs.js';
import { creditText } from '../lib/history-words.js';

/** @import { EditorState, Extension, Transaction } from '@codemirror/state' */
/** @import { DecorationSet, EditorView, ViewUpdate } from '@codemirror/view' */
/** @import { Edit, Run } from '../lib/blame-runs.js' */
/** @import { HistoryAuthor } from '../lib/types.js' */

/** @typedef {{ author: HistoryAuthor, colour: string }} Credit */

/** @type {import('@codemirror/state').StateEffectType<Run[]>} */
export const setRuns = StateEffect.define();

export class Tints {
  /**
   * @param {object} options
   * @param {(key: string) => Credit | null} options.look
   * @param {() => string} options.writer the key of the author of an edit that did not begin in this editor
   * @param {() => string} options.own the key of the person of this page
   * @param {() => void} options.changed called after the text, the tints or the place of the cursor have changed
   */
  constructor({ look, writer, own, changed }) {
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

  /** @param {EditorView} view */
  attach(view) {
    const { place, extension } = this;
    view.dispatch({
      effects: this.isPlaced ? place.reconfigure(extension) : StateEffect.appendConfig.of(place.of(extension)),
    });
    this.isPlaced = true;
  }

  /** @param {EditorView} view */
  detach(view) {
    view.dispatch({ effects: this.place.reconfigure([]) });
  }

  /** @param {EditorState} state */
  runs(state) {
    return state.field(this.field, false) ?? [];
  }

  /**
   * Who wrote the character before the cursor, and when.
   * @param {EditorState} state
   */
  atCursor(state) {
    const run = runAt(this.runs(state), state.selection.main.head);
    const credit = run && this.look(run.author);
    return credit ? creditText(credit.author, run.at) : '';
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
 * @param {(key: string) => Credit | null} look
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
      if (from < to) marks.add(from, to, tint(credit, run.at));
    }
    start = end;
  }
  return marks.finish();
}

/**
 * @param {Credit} credit
 * @param {number | null} at
 */
const tint = ({ author, colour }, at) =>
  Decoration.mark({
    class: 'blame',
    attributes: { style: `--person: ${colour}`, title: creditText(author, at) },
  });
