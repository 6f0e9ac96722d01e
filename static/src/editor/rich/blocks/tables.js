/** Widths of table columns, which are stored as `colwidth` of the cells, as prosemirror-tables does. */
import { TableMap, cellAround } from '@tiptap/pm/tables';

/** @import { Editor } from '@tiptap/core' */
/** @import { Transaction } from '@tiptap/pm/state' */

/** Pixels. */
export const LEAST_WIDTH = 60;
const MOST_WIDTH = 900;
const STEP = 60;
const USUAL = 150;

/**
 * Sets the width of a column in all of its cells.
 * @param {Transaction} tr
 * @param {{ map: TableMap, start: number, column: number, width: number | null }} where `start`: where the rows begin
 */
function setWidth(tr, { map, start, column, width }) {
  for (let row = 0; row < map.height; row += 1) {
    const index = row * map.width + column;
    const at = map.map[index];
    // A cell of several rows has come already.
    if (row > 0 && map.map[index - map.width] === at) continue;
    const cell = tr.doc.nodeAt(start + at);
    if (!cell) continue;
    const { colspan, colwidth } = cell.attrs;
    const widths = colwidth ? [...colwidth] : Array.from({ length: colspan }, () => 0);
    widths[column - map.colCount(at)] = width ?? 0;
    tr.setNodeAttribute(start + at, 'colwidth', widths.some(Boolean) ? widths : null);
  }
}

/**
 * Makes the column of the caret wider or narrower, for those who cannot drag its edge.
 * @param {Editor} editor
 * @param {1 | -1} step
 */
export function stepWidth({ state, view }, step) {
  const $cell = cellAround(state.selection.$from);
  if (!$cell) return false;
  const map = TableMap.get($cell.node(-1));
  const start = $cell.start(-1);
  const column = map.colCount($cell.pos - start);
  const dom = view.nodeDOM($cell.pos);
  const now = $cell.nodeAfter?.attrs.colwidth?.[0] || (dom instanceof HTMLElement ? dom.offsetWidth : USUAL);
  const { tr } = state;
  const width = Math.min(MOST_WIDTH, Math.max(LEAST_WIDTH, Math.round(now) + step * STEP));
  setWidth(tr, { map, start, column, width });
  view.dispatch(tr);
  view.focus();
  return true;
}

/**
 * Has the browser find the widths of all columns again.
 * @param {Editor} editor
 */
export function resetWidths({ state, view }) {
  const $cell = cellAround(state.selection.$from);
  if (!$cell) return false;
  const map = TableMap.get($cell.node(-1));
  const { tr } = state;
  for (let column = 0; column < map.width; column += 1)
    setWidth(tr, { map, start: $cell.start(-1), column, width: null });
  view.dispatch(tr);
  view.focus();
  return true;
}
