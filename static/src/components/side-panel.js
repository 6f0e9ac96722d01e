/** The place at the side of the text: one panel at a time. */

/** @type {(() => void) | null} */
let closeOpened = null;

/** Closes the panel that is open, for another one. @param {() => void} close closes the new one */
export function takeSide(close) {
  const closeFormer = closeOpened;
  closeOpened = close;
  if (closeFormer !== close) closeFormer?.();
}

/** @param {() => void} close as it was given to takeSide */
export function leaveSide(close) {
  if (closeOpened === close) closeOpened = null;
}
