/** The list of documents: its rows, what stands in the place of an empty list, and the button that loads more. */
import { h } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useCurrentTimes } from './elements.js';
import { useKeptFocus } from './keep-focus.js';

/** @import { ComponentChildren, VNode } from 'preact' */
/** @import { DocumentStore, Row } from '../stores/documents.js' */

/** How far below the window the button may be that loads more by itself, as a margin. */
const NEAR = '400px';

/**
 * `rows`: those of the store that are shown. `loadsMore`: more rows are loaded when the reader comes near the end.
 * @param {{ store: DocumentStore, rows: Row[], renderRow: (row: Row) => VNode, loadsMore?: boolean,
 *   children?: ComponentChildren }} props
 */
export function DocumentList({ store, rows, renderRow, loadsMore = false, children }) {
  const list = useRef(/** @type {HTMLUListElement | null} */ (null));
  /** The index of the row that gets the focus once it is there: the first one that the button has loaded. */
  const awaited = useRef(-1);
  useKeptFocus(list);
  useLayoutEffect(() => {
    const link = awaited.current >= 0 && list.current?.children[awaited.current]?.querySelector('a');
    if (!link) return;
    awaited.current = -1;
    link.focus();
  });
  useCurrentTimes();
  return [
    h('ul', { class: 'rows', id: 'list', hidden: rows.length === 0, ref: list }, rows.map(renderRow)),
    children,
    store.cursor.value !== null &&
      h(MoreButton, {
        key: 'more',
        store,
        loadsMore,
        onAsked: () => {
          awaited.current = rows.length;
        },
      }),
  ];
}

/** @param {{ store: DocumentStore, loadsMore: boolean, onAsked: () => void }} props */
function MoreButton({ store, loadsMore, onAsked }) {
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  const [isBusy, setBusy] = useState(false);
  const load = async () => {
    setBusy(true);
    await store.loadMore();
    setBusy(false);
  };
  const onClick = () => {
    onAsked();
    load();
  };
  useEffect(() => {
    if (!loadsMore || !button.current || isBusy) return undefined;
    const observer = new IntersectionObserver(
      ([{ isIntersecting: isNear }]) => {
        if (isNear) load();
      },
      { rootMargin: NEAR },
    );
    observer.observe(button.current);
    return () => observer.disconnect();
  }, [isBusy, loadsMore]);
  return h(
    'button',
    { ref: button, class: 'button more-button', type: 'button', disabled: isBusy, onClick },
    'Load more',
  );
}
