/** Tables of Markdown in the editor: keys that go from cell to cell, rows and columns, and columns of equal width. */
import { insertBlock } from './formatting.js';

/** @import { EditorState } from '@codemirror/state' */
/** @import { Command, EditorView } from '@codemirror/view' */

/** @typedef {'' | 'left' | 'center' | 'right'} Align */
/**
 * `from`, `to`: in the document. `rows`: the texts of the cells, the head first. `row`, `column`: of the caret; the row of
 * the line between head and body is 0.
 * @typedef {{ from: number, to: number, rows: string[][], aligns: Align[], row: number, column: number, indent: string }} Table
 */

const DELIMITER = /^\s{0,3}\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$/;
const NEW_TABLE = '| Heading | Heading |\n| ------- | ------- |\n|         |         |\n';

/**
 * Splits a line into its cells. A pipe behind a backslash is text.
 * @param {string} line
 */
export function cellsOf(line) {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '');
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim());
}

/** @param {string} cell @returns {Align} */
function alignOf(cell) {
  const [left, right] = [cell.startsWith(':'), cell.endsWith(':')];
  return left && right ? 'center' : right ? 'right' : left ? 'left' : '';
}

/**
 * The table at the caret; null: there is none.
 * @param {EditorState} state
 * @returns {Table | null}
 */
export function tableAt({ doc, selection }) {
  const { head } = selection.main;
  const line = doc.lineAt(head);
  if (!line.text.includes('|')) return null;
  const isPart = (/** @type {number} */ number) =>
    number >= 1 && number <= doc.lines && doc.line(number).text.includes('|');
  let first = line.number;
  let last = line.number;
  while (isPart(first - 1)) first -= 1;
  while (isPart(last + 1)) last += 1;
  // Lines above the head are text.
  let delimiter = first + 1;
  while (delimiter <= last && !DELIMITER.test(doc.line(delimiter).text)) delimiter += 1;
  if (delimiter > last || line.number < delimiter - 1) return null;
  first = delimiter - 1;
  const rows = [doc.line(first).text];
  for (let number = delimiter + 1; number <= last; number += 1) rows.push(doc.line(number).text);
  const before = doc.sliceString(line.from, head).trimStart().replace(/^\|/, '');
  return {
    from: doc.line(first).from,
    to: doc.line(last).to,
    rows: rows.map(cellsOf),
    aligns: cellsOf(doc.line(delimiter).text).map(alignOf),
    row: Math.max(0, line.number - first - 1 + Number(line.number === first)),
    column: before.split(/(?<!\\)\|/).length - 1,
    indent: /^\s*/.exec(doc.line(first).text)?.[0] ?? '',
  };
}

/** Letters of East Asia take two places. @param {string} text */
const widthOf = (text) =>
  [...text].reduce(
    (width, letter) =>
      width + (/[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60]/.test(letter) ? 2 : 1),
    0,
  );

/**
 * @param {string} text
 * @param {number} width
 * @param {Align} align
 */
function pad(text, width, align) {
  const space = width - widthOf(text);
  const left = align === 'right' ? space : align === 'center' ? Math.floor(space / 2) : 0;
  return ' '.repeat(left) + text + ' '.repeat(space - left);
}

/**
 * Writes a table with columns of equal width. Returns it with the offset of each cell's text.
 * @param {Pick<Table, 'rows' | 'aligns' | 'indent'>} table
 * @returns {{ text: string, offsets: number[][] }}
 */
export function writeTable({ rows, aligns, indent }) {
  const count = Math.max(aligns.length, ...rows.map((row) => row.length));
  const full = rows.map((row) => [...row, ...Array(count - row.length).fill('')]);
  const widths = Array.from({ length: count }, (_, column) => Math.max(3, ...full.map((row) => widthOf(row[column]))));
  const signs = widths.map((width, column) => {
    const align = aligns[column] ?? '';
    const [left, right] = [align === 'left' || align === 'center', align === 'right' || align === 'center'];
    return `${left ? ':' : '-'}${'-'.repeat(width - 2)}${right ? ':' : '-'}`;
  });
  let text = '';
  /** @type {number[][]} */
  const offsets = [];
  full.forEach((row, index) => {
    if (index > 0) text += '\n';
    text += `${indent}|`;
    offsets.push([]);
    row.forEach((cell, column) => {
      const padded = pad(cell, widths[column], aligns[column] ?? '');
      offsets[index].push(text.length + 1 + (cell ? padded.indexOf(cell) : 0));
      text += ` ${padded} |`;
    });
    if (index === 0) text += `\n${indent}| ${signs.join(' | ')} |`;
  });
  return { text, offsets };
}

/**
 * Puts a changed table into the text, and selects a cell of it.
 * @param {EditorView} view
 * @param {Table} table
 * @param {number} row
 * @param {number} column
 */
function write(view, table, row, column) {
  if (view.state.readOnly) return false;
  const { text, offsets } = writeTable(table);
  const at = Math.max(0, Math.min(row, table.rows.length - 1));
  const cell = Math.max(0, Math.min(column, offsets[at].length - 1));
  const before = view.state.sliceDoc(table.from, table.to);
  const anchor = table.from + offsets[at][cell];
  view.dispatch({
    // A table that is as it should be is left alone, with the carets of others in it.
    changes: changed(before, text, table.from),
    selection: { anchor, head: anchor + (table.rows[at][cell] ?? '').length },
    scrollIntoView: true,
    userEvent: 'input.format',
  });
  return true;
}

/**
 * The lines that differ.
 * @param {string} before
 * @param {string} after
 * @param {number} from
 */
function changed(before, after, from) {
  const [old, now] = [before.split('\n'), after.split('\n')];
  if (old.length !== now.length) return before === after ? [] : [{ from, to: from + before.length, insert: after }];
  let position = from;
  return old.flatMap((line, index) => {
    const at = position;
    position += line.length + 1;
    return line === now[index] ? [] : [{ from: at, to: at + line.length, insert: now[index] }];
  });
}

/**
 * Goes to the next cell or the one before. Behind the last one is a new row.
 * @param {1 | -1} step
 * @returns {Command}
 */
export const toCell = (step) => (view) => {
  const table = tableAt(view.state);
  if (!table || view.state.readOnly) return false;
  const count = Math.max(table.aligns.length, ...table.rows.map((row) => row.length));
  const index = table.row * count + Math.min(table.column, count - 1) + step;
  if (index < 0) return true;
  const row = Math.floor(index / count);
  if (row >= table.rows.length) table.rows.push(Array(count).fill(''));
  return write(view, table, row, index % count);
};

/** @typedef {(table: Table) => { row: number, column: number } | null} Change null: the table is removed */

/** @param {Change} change @returns {Command} */
const changing = (change) => (view) => {
  const table = tableAt(view.state);
  if (!table || view.state.readOnly) return false;
  const count = Math.max(table.aligns.length, ...table.rows.map((row) => row.length));
  table.rows = table.rows.map((row) => [...row, ...Array(count - row.length).fill('')]);
  table.aligns = [...table.aligns, ...Array(count - table.aligns.length).fill('')];
  table.column = Math.min(table.column, count - 1);
  const place = change(table);
  if (place) return write(view, table, place.row, place.column);
  view.dispatch({
    changes: { from: table.from, to: table.to },
    selection: { anchor: table.from },
    userEvent: 'delete',
  });
  return true;
};

/** @param {0 | 1} behind */
const addRow = (behind) =>
  changing(({ rows, row, column }) => {
    // Nothing can be above the head.
    const at = Math.max(1, row + behind);
    rows.splice(at, 0, Array(rows[0].length).fill(''));
    return { row: at, column };
  });

/** @param {0 | 1} behind */
const addColumn = (behind) =>
  changing(({ rows, aligns, row, column }) => {
    const at = column + behind;
    for (const each of rows) each.splice(at, 0, '');
    aligns.splice(at, 0, '');
    return { row, column: at };
  });

const removeRow = changing(({ rows, row, column }) => {
  // The head can be empty, but a table has one.
  if (row === 0) rows[0].fill('');
  else rows.splice(row, 1);
  return { row: Math.min(row, rows.length - 1), column };
});

const removeColumn = changing(({ rows, aligns, row, column }) => {
  if (rows[0].length === 1) return null;
  for (const each of rows) each.splice(column, 1);
  aligns.splice(column, 1);
  return { row, column: Math.min(column, rows[0].length - 1) };
});

/** @param {Align} align */
const alignColumn = (align) =>
  changing(({ aligns, row, column }) => {
    aligns[column] = align;
    return { row, column };
  });

/** @type {({ label: string, act: Command, danger?: boolean } | 'line')[]} */
export const TABLE_ACTIONS = [
  { label: 'Add row above', act: addRow(0) },
  { label: 'Add row below', act: addRow(1) },
  { label: 'Add column before', act: addColumn(0) },
  { label: 'Add column after', act: addColumn(1) },
  'line',
  { label: 'Align left', act: alignColumn('left') },
  { label: 'Align centre', act: alignColumn('center') },
  { label: 'Align right', act: alignColumn('right') },
  'line',
  { label: 'Delete row', act: removeRow, danger: true },
  { label: 'Delete column', act: removeColumn, danger: true },
];

/** @type {Command} */
export const newTable = (view) => {
  const start = insertBlock(view, NEW_TABLE, 2);
  if (start === null) return false;
  view.dispatch({ selection: { anchor: start + 2, head: start + 9 } });
  return true;
};
