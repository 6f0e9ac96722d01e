/** Markdown signs around selections and at the beginnings of lines. Each command is undone by the same command. */
import { EditorSelection } from '@codemirror/state';

/** @import { ChangeSpec, EditorState, Text } from '@codemirror/state' */
/** @import { Command, EditorView } from '@codemirror/view' */

/** Marks of a line: spaces, a quote or heading, or a list item with or without a box. */
const LINE = /^(\s*)(#{1,6}\s+|(?:[-*+]|\d{1,9}[.)])\s+(?:\[[ xX]\]\s+)?)?/;
const QUOTE = /^\s{0,3}>\s?/;
const FENCE = /^\s{0,3}(`{3,}|~{3,})/;

/** @typedef {'bullets' | 'numbers' | 'tasks'} ListKind */

/** @type {Record<ListKind, { test: RegExp, sign: (number: number) => string }>} */
const LISTS = {
  bullets: { test: /^\s*[-*+]\s+(?!\[[ xX]\]\s)/, sign: () => '- ' },
  numbers: { test: /^\s*\d{1,9}[.)]\s/, sign: (number) => `${number}. ` },
  tasks: { test: /^\s*[-*+]\s+\[[ xX]\]\s/, sign: () => '- [ ] ' },
};

/**
 * @param {EditorView} view
 * @param {import('@codemirror/state').TransactionSpec} change
 */
function apply(view, change) {
  if (view.state.readOnly) return false;
  view.dispatch(view.state.update({ ...change, scrollIntoView: true, userEvent: 'input.format' }));
  return true;
}

/**
 * The lines that the selections touch, in order. A selection that ends before the first character of a line leaves it out.
 * @param {EditorState} state
 */
function selectedLines({ doc, selection }) {
  /** @type {Map<number, import('@codemirror/state').Line>} */
  const lines = new Map();
  for (const { from, to } of selection.ranges) {
    const last = doc.lineAt(to);
    const end = to > from && to === last.from ? last.number - 1 : last.number;
    for (let number = doc.lineAt(from).number; number <= end; number += 1) lines.set(number, doc.line(number));
  }
  return [...lines.values()].sort((a, b) => a.number - b.number);
}

/**
 * Makes a command that puts `sign` around each selection, or removes it where it is already.
 * @param {string} sign
 * @returns {Command}
 */
export const wrap = (sign) => (view) => {
  const width = sign.length;
  return apply(
    view,
    view.state.changeByRange(({ from, to }) => {
      const around = isWrapped(view.state, from, to, sign);
      const changes = around
        ? [
            { from: from - width, to: from },
            { from: to, to: to + width },
          ]
        : [
            { from, insert: sign },
            { from: to, insert: sign },
          ];
      const by = around ? -width : width;
      return { changes, range: EditorSelection.range(from + by, to + by) };
    }),
  );
};

/**
 * @param {EditorState} state
 * @param {number} from
 * @param {number} to
 * @param {string} sign
 */
function isWrapped(state, from, to, sign) {
  const width = sign.length;
  return state.sliceDoc(from - width, from) === sign && state.sliceDoc(to, to + width) === sign;
}

/**
 * Makes a command that changes each selected line that is not empty, or the only one.
 * @param {(text: string, number: number) => string} change is given the text of a line, and its number among the lines
 * @returns {Command}
 */
const eachLine = (change) => (view) => {
  const lines = selectedLines(view.state);
  const written = lines.length > 1 ? lines.filter(({ text }) => text.trim()) : lines;
  /** @type {ChangeSpec[]} */
  const changes = [];
  written.forEach(({ from, text }, index) => {
    const changed = change(text, index + 1);
    if (changed === text) return;
    // Only the beginning differs: what follows keeps its carets and comments.
    let same = 0;
    while (same < Math.min(text.length, changed.length) && text.at(-1 - same) === changed.at(-1 - same)) same += 1;
    changes.push({ from, to: from + text.length - same, insert: changed.slice(0, changed.length - same) });
  });
  if (changes.length === 0) return !view.state.readOnly;
  const set = view.state.changes(changes);
  // A caret before the signs goes behind them.
  return apply(view, { changes: set, selection: view.state.selection.map(set, 1) });
};

/**
 * Makes lines headings of a level. Level 0, and the level that they have, make them text.
 * @param {0 | 1 | 2 | 3 | 4 | 5 | 6} level
 * @returns {Command}
 */
export const heading = (level) => (view) => {
  const lines = selectedLines(view.state).filter(({ text }) => text.trim());
  const has = lines.length > 0 && lines.every(({ text }) => headingLevel(text) === level);
  const sign = level === 0 || has ? '' : `${'#'.repeat(level)} `;
  return eachLine((text) => sign + text.replace(/^\s{0,3}#{1,6}(\s+|$)/, ''))(view);
};

/** @param {string} text of a line */
export const headingLevel = (text) => /^\s{0,3}(#{1,6})(?:\s|$)/.exec(text)?.[1].length ?? 0;

/**
 * Makes lines items of a list, or text where they are all items of this kind.
 * @param {ListKind} kind
 * @returns {Command}
 */
export const list = (kind) => (view) => {
  const { test, sign } = LISTS[kind];
  const lines = selectedLines(view.state).filter(({ text }) => text.trim());
  const has = lines.length > 0 && lines.every(({ text }) => test.test(text));
  return eachLine((text, number) =>
    text.replace(LINE, (_, /** @type {string} */ indent) => indent + (has ? '' : sign(number))),
  )(view);
};

/**
 * @param {EditorState} state
 * @param {ListKind} kind
 */
export const isInList = (state, kind) => LISTS[kind].test.test(state.doc.lineAt(state.selection.main.head).text);

/** Makes lines a quote, or text where all are quoted. @type {Command} */
export const quote = (view) => {
  const lines = selectedLines(view.state);
  const has = lines.every(({ text }) => QUOTE.test(text));
  if (has) return eachLine((text) => text.replace(QUOTE, ''))(view);
  // A line without a sign would end the quote.
  const changes = lines.map(({ from }) => ({ from, insert: '> ' }));
  const set = view.state.changes(changes);
  return apply(view, { changes: set, selection: view.state.selection.map(set, 1) });
};

/** @param {EditorState} state */
export const isQuoted = (state) => QUOTE.test(state.doc.lineAt(state.selection.main.head).text);

/**
 * Puts lines between fences that are longer than those in them, and the caret where the language is written.
 * @type {Command}
 */
export const codeBlock = (view) => {
  const { doc } = view.state;
  const lines = selectedLines(view.state);
  const [first, last] = [lines[0], lines[lines.length - 1]];
  const above = first.number > 1 ? doc.line(first.number - 1) : null;
  const below = last.number < doc.lines ? doc.line(last.number + 1) : null;
  if (above && below && FENCE.test(above.text) && FENCE.test(below.text)) {
    return apply(view, {
      changes: [
        { from: above.from, to: first.from },
        { from: last.to, to: below.to },
      ],
    });
  }
  const longest = Math.max(2, ...lines.map(({ text }) => FENCE.exec(text)?.[1].length ?? 0));
  const fence = '`'.repeat(longest + 1);
  return apply(view, {
    changes: [
      { from: first.from, insert: `${fence}\n` },
      { from: last.to, insert: `\n${fence}` },
    ],
    selection: { anchor: first.from + fence.length },
  });
};

const ADDRESS = /^(?:https?:\/\/|mailto:|\/)\S+$/;

/**
 * Makes the selected text a link, and selects what is still to be written: the address, or the text of an address.
 * @type {Command}
 */
export const link = (view) => {
  const { from, to } = view.state.selection.main;
  const text = view.state.sliceDoc(from, to);
  const isAddress = ADDRESS.test(text);
  const [label, address] = isAddress ? ['text', text] : [text || 'text', 'https://'];
  const start = isAddress || !text ? from + 1 : from + label.length + 3;
  const chosen = isAddress || !text ? label : address;
  return apply(view, {
    changes: { from, to, insert: `[${label}](${address})` },
    selection: { anchor: start, head: start + chosen.length },
  });
};

/**
 * Inserts a block, which ends with a line break, below the line of the caret, with empty lines around it. Returns where it begins; null: it may not.
 * @param {EditorView} view
 * @param {string} block
 * @param {number} [offset] of the caret in the block; by default it is behind it
 */
export function insertBlock(view, block, offset) {
  const { doc, selection } = view.state;
  const line = doc.lineAt(selection.main.head);
  const isBlank = !line.text.trim();
  const before = isBlank ? (isBlankAbove(doc, line.number) ? '' : '\n') : '\n\n';
  const from = isBlank ? line.from : line.to;
  const start = from + before.length;
  const done = apply(view, {
    changes: { from, to: line.to, insert: before + block },
    selection: { anchor: start + (offset ?? block.length) },
  });
  return done ? start : null;
}

/**
 * @param {Text} doc
 * @param {number} number
 */
const isBlankAbove = (doc, number) => number === 1 || !doc.line(number - 1).text.trim();

/** @type {Command} */
export const rule = (view) => insertBlock(view, '---\n') !== null;
