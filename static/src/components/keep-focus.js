/** Keeps the keyboard focus in a list whose rows change. */
import { useLayoutEffect } from 'preact/hooks';

const CONTROLS = 'a, button, select, input';

/**
 * Remembers which control of which row has the focus, before a rendering. Afterwards it focuses the same control again where
 * the row was moved, and the row in its place where the row is gone. `list`: the element with the rows, li[data-id].
 * @param {{ current: HTMLElement | null }} list
 */
export function useKeptFocus(list) {
  const held = positionIn(list.current);
  useLayoutEffect(() => {
    if (!held || !list.current || list.current.contains(document.activeElement)) return;
    const rows = [...list.current.children];
    const same = rows.find((row) => row instanceof HTMLElement && row.dataset.id === held.id);
    const row = same ?? rows[Math.min(held.row, rows.length - 1)];
    const controls = [...(row?.querySelectorAll(CONTROLS) ?? [])];
    // The box that selects a row stands before what the row is for.
    const control = same ? controls[held.control] : controls.find((each) => !each.matches('[type="checkbox"]'));
    if (control instanceof HTMLElement) control.focus();
  });
}

/**
 * @param {HTMLElement | null} list
 * @returns {{ row: number, id: string | undefined, control: number } | null}
 */
function positionIn(list) {
  const focused = document.activeElement;
  const row = focused?.closest('li[data-id]');
  if (!list || !focused || !(row instanceof HTMLElement) || row.parentElement !== list) return null;
  return {
    row: [...list.children].indexOf(row),
    id: row.dataset.id,
    control: [...row.querySelectorAll(CONTROLS)].indexOf(focused),
  };
}
