/** An earlier text: rendered, or with the differences marked. */
import { h } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { byWords } from '../lib/difference.js';
import { authorName } from '../lib/history-words.js';

/** @import { EarlierText } from '../stores/earlier-texts.js' */
/** @import { Difference } from '../lib/types.js' */

/** @typedef {EarlierText | { problem: string }} Shown */

/** @param {string} body HTML that the server has made safe */
const textOf = (body) => (body.trim() === '' ? '<p class="nothing">The document was empty.</p>' : body);

/** @param {string} body HTML that the server has made safe */
function pageOf(body) {
  const theme = document.documentElement.dataset.theme;
  const attributes = /^(light|dark)$/.test(theme ?? '') ? ` data-theme="${theme}"` : '';
  return `<!doctype html><html lang="en"${attributes}><head><title>Earlier text</title><link rel="stylesheet" href="/static/page.css"></head><body class="rendered" dir="auto">${textOf(body)}</body></html>`;
}

/** @param {Document} inside */
function openLinksOutside(inside) {
  for (const link of inside.links) {
    link.target = '_blank';
    link.setAttribute('rel', 'noopener noreferrer');
  }
}

/**
 * The frame runs no scripts. It has the origin of the page, so that the page hears its keys. Another text is put into the
 * frame, so that it neither flickers nor scrolls.
 * @param {{ html: string, title: string, keyed: (event: KeyboardEvent) => void }} props
 */
function Rendered({ html, title, keyed }) {
  const frame = useRef(/** @type {HTMLIFrameElement | null} */ (null));
  const latest = useRef(keyed);
  latest.current = keyed;
  useEffect(() => {
    const follow = () => {
      const root = frame.current?.contentDocument?.documentElement;
      root?.setAttribute('data-theme', document.documentElement.dataset.theme ?? '');
    };
    const observer = new MutationObserver(follow);
    observer.observe(document.documentElement, { attributes: true, attributeFilter: ['data-theme'] });
    return () => observer.disconnect();
  }, []);
  const first = useRef(html);
  const loaded = useRef('');
  useEffect(() => {
    const inside = frame.current?.contentDocument;
    if (!inside || loaded.current === '' || loaded.current === html) return;
    loaded.current = html;
    const parsed = new DOMParser().parseFromString(textOf(html), 'text/html');
    inside.body.replaceChildren(...parsed.body.childNodes);
    openLinksOutside(inside);
  }, [html, loaded.current]);
  const [, setLoads] = useState(0);
  return h('iframe', {
    ref: frame,
    class: 'history-frame',
    title,
    tabIndex: 0,
    sandbox: 'allow-same-origin allow-popups allow-popups-to-escape-sandbox',
    srcdoc: pageOf(first.current),
    onLoad: (/** @type {Event} */ { currentTarget }) => {
      const inside = /** @type {HTMLIFrameElement} */ (currentTarget).contentDocument;
      if (!inside) return;
      inside.addEventListener('keydown', (event) => latest.current(event));
      openLinksOutside(inside);
      loaded.current = first.current;
      setLoads((count) => count + 1);
    },
  });
}

/** @param {{ difference: Difference }} props */
function Changes({ difference }) {
  const pieces = useMemo(() => byWords(difference.pieces), [difference]);
  const text = useRef(/** @type {HTMLDivElement | null} */ (null));
  useLayoutEffect(() => {
    text.current?.querySelector('ins, del')?.scrollIntoView({ block: 'center' });
  }, [pieces]);
  const title = (/** @type {string} */ verb, /** @type {Difference['pieces'][number]} */ { author }) =>
    author ? `${verb} by ${authorName(author)}` : verb;
  return h(
    'div',
    {
      class: 'history-text-view',
      ref: text,
      tabIndex: 0,
      role: 'region',
      'aria-label': 'Text with the changes marked',
      dir: 'auto',
    },
    pieces.map((piece, index) =>
      piece.operation === 'insert'
        ? h('ins', { key: index, title: title('Inserted', piece) }, piece.text)
        : piece.operation === 'delete'
          ? h('del', { key: index, title: title('Deleted', piece) }, piece.text)
          : piece.text,
    ),
  );
}

/**
 * @param {{ shown: Shown | null, title: string, again: () => void, keyed: (event: KeyboardEvent) => void }} props
 */
export function EarlierContent({ shown, title, again, keyed }) {
  if (!shown) return h('p', { class: 'nothing history-wait', role: 'status' }, 'Loading…');
  if ('problem' in shown)
    return h(
      'div',
      { class: 'form-alert history-wait', role: 'alert' },
      h('p', {}, shown.problem),
      h('button', { class: 'button small', type: 'button', onClick: again }, 'Try again'),
    );
  if ('html' in shown) return h(Rendered, { html: shown.html, title, keyed });
  if ('difference' in shown) return h(Changes, { difference: shown.difference });
  return h(
    'div',
    { class: 'history-text-view', tabIndex: 0, role: 'region', 'aria-label': title, dir: 'auto' },
    shown.text,
  );
}
