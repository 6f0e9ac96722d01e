/** A document as it was: rendered, or with the differences marked. */
import { h } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import * as api from '../lib/api.js';
import { authorName, authorNames, clockOf, dayOf, kindOf, summaryOf, versionName } from '../lib/history-words.js';
import { byWords } from '../lib/difference.js';
import { messageOf, statusOf } from '../lib/request.js';
import { pointOf } from '../stores/history.js';
import { Icon, MenuButton } from './elements.js';
import { announce } from './history-actions.js';

/** @import { Signal } from '@preact/signals' */
/** @import { Difference } from '../lib/types.js' */
/** @import { Entry, HistoryStore } from '../stores/history.js' */
/** @import { HistoryActions } from './history-actions.js' */

/** Statuses of a text that is too large, or too much work, to be rendered. It is shown as it is written. */
const NOT_RENDERED = [413, 422];
/** Characters. */
const LONGEST_ANNOUNCEMENT = 200;

/**
 * `changes`: whether differences are shown; `since`: from the entry before to this one, or from this one until now.
 * @typedef {{ changes: Signal<boolean>, since: Signal<'before' | 'now'> }} View
 * @typedef {{ html: string } | { text: string } | { difference: Difference } | { problem: string }} Shown
 */

/** @param {Entry} entry */
export const entryName = (entry) =>
  'version' in entry ? versionName(entry.version) : `Edits by ${authorName(entry.session.author)}`;

/** @param {Entry} entry */
function entryNote(entry) {
  const at = new Date(entry.at).toISOString();
  const when = `${dayOf(at, new Date())}, ${clockOf(at)}`;
  if (!('version' in entry)) return when;
  const by = authorNames(entry.version.authors);
  return [when, kindOf(entry.version), by].filter(Boolean).join(' · ');
}

/**
 * @param {HistoryStore} store
 * @param {Entry} entry
 * @param {'before' | 'now' | null} since
 * @returns {Promise<Shown>}
 */
async function read(store, entry, since) {
  const point = 'version' in entry ? { number: entry.version.number } : { seq: entry.session.to_seq };
  if (since === 'now') return { difference: await api.difference(store.document, pointOf(entry), 'now') };
  if (since) {
    const before = await store.pointBefore(entry);
    return { difference: await api.difference(store.document, before, pointOf(entry)) };
  }
  try {
    return { html: await api.contentAt(store.document, point, 'html') };
  } catch (error) {
    if (!NOT_RENDERED.includes(statusOf(error) ?? 0)) throw error;
    return { text: await api.contentAt(store.document, point, 'markdown') };
  }
}

/** @param {string} body HTML that the server has made safe */
function pageOf(body) {
  const theme = document.documentElement.dataset.theme;
  const attributes = /^(light|dark)$/.test(theme ?? '') ? ` data-theme="${theme}"` : '';
  const text = body.trim() === '' ? '<p class="nothing">The document was empty.</p>' : body;
  return `<!doctype html><html lang="en"${attributes}><head><title>Earlier text</title><link rel="stylesheet" href="/static/page.css"></head><body class="rendered" dir="auto">${text}</body></html>`;
}

/**
 * The frame runs no scripts. It has the origin of the page, so that the page hears its keys.
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
  return h('iframe', {
    ref: frame,
    class: 'history-frame',
    title,
    tabIndex: 0,
    sandbox: 'allow-same-origin allow-popups allow-popups-to-escape-sandbox',
    srcdoc: pageOf(html),
    onLoad: (/** @type {Event} */ { currentTarget }) => {
      const inside = /** @type {HTMLIFrameElement} */ (currentTarget).contentDocument;
      inside?.addEventListener('keydown', (event) => latest.current(event));
      for (const link of inside?.links ?? []) {
        link.target = '_blank';
        link.setAttribute('rel', 'noopener noreferrer');
      }
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

/** @param {{ shown: Shown | null, title: string, again: () => void, keyed: (event: KeyboardEvent) => void }} props */
function Content({ shown, title, again, keyed }) {
  if (!shown) return h('p', { class: 'nothing history-wait', role: 'status' }, 'Loading…');
  if ('problem' in shown)
    return h(
      'div',
      { class: 'form-alert history-wait', role: 'alert' },
      h('p', {}, shown.problem),
      h('button', { class: 'button small', type: 'button', onClick: again }, 'Try again'),
    );
  if ('html' in shown) return h(Rendered, { key: shown.html, html: shown.html, title, keyed });
  if ('difference' in shown) return h(Changes, { difference: shown.difference });
  return h(
    'div',
    { class: 'history-text-view', tabIndex: 0, role: 'region', 'aria-label': title, dir: 'auto' },
    shown.text,
  );
}

/**
 * @param {{ entry: Entry, store: HistoryStore, actions: HistoryActions, view: View, close: () => void,
 *   keyed: (event: KeyboardEvent) => void }} props
 */
export function HistoryPreview({ entry, store, actions, view, close, keyed }) {
  const since = view.changes.value ? view.since.value : null;
  const [answer, setAnswer] = useState(/** @type {{ of: string, shown: Shown } | null} */ (null));
  const [attempt, setAttempt] = useState(0);
  const heading = useRef(/** @type {HTMLHeadingElement | null} */ (null));
  // A session that goes on has a new end.
  const key = `${entry.key} ${pointOf(entry)} ${since} ${attempt}`;
  useEffect(() => {
    let isCurrent = true;
    const show = (/** @type {Shown} */ shown) => isCurrent && setAnswer({ of: key, shown });
    read(store, entry, since).then(show, (error) => show({ problem: messageOf(error) }));
    return () => {
      isCurrent = false;
    };
  }, [key]);
  useEffect(() => heading.current?.focus({ preventScroll: true }), [entry.key]);
  const shown = answer?.of === key ? answer.shown : null;
  const tryAgain = () => {
    heading.current?.focus();
    setAttempt(attempt + 1);
  };
  const nextChange = () => {
    const section = heading.current?.closest('section');
    const marks = [...(section?.querySelectorAll('.history-text-view :is(ins, del)') ?? [])];
    if (marks.length === 0) return;
    const at = (marks.findIndex((mark) => mark.matches('.current')) + 1) % marks.length;
    marks.forEach((mark, index) => mark.classList.toggle('current', index === at));
    marks[at].scrollIntoView({ block: 'center' });
    const verb = marks[at].localName === 'ins' ? 'inserted' : 'deleted';
    announce(`Change ${at + 1} of ${marks.length}, ${verb}: ${marks[at].textContent.slice(0, LONGEST_ANNOUNCEMENT)}`);
  };
  const version = 'version' in entry ? entry.version : null;
  const name = entryName(entry);
  const hasChanges =
    shown && 'difference' in shown && shown.difference.pieces.some(({ operation }) => operation !== 'equal');
  return h(
    'section',
    { class: 'history-preview', 'aria-labelledby': 'history-preview-title' },
    h(
      'header',
      { class: 'history-preview-head' },
      h(
        'button',
        {
          class: 'icon-button',
          type: 'button',
          'aria-label': 'Back to the present document',
          title: 'Back to the present document',
          onClick: close,
        },
        h(Icon, { name: 'back' }),
      ),
      h(
        'div',
        { class: 'history-preview-name' },
        h('h2', { id: 'history-preview-title', tabIndex: -1, ref: heading }, name),
        h('p', {}, entryNote(entry)),
      ),
      version &&
        actions.mayEdit &&
        h(
          'button',
          { class: 'button primary small', type: 'button', onClick: () => actions.restore(version) },
          'Restore…',
        ),
      h(MenuButton, { key: 'menu', label: `More actions for ${name}`, items: () => actions.items(entry) }),
    ),
    h(
      'div',
      { class: 'history-switches' },
      h(
        'label',
        { class: 'history-switch' },
        h('input', {
          type: 'checkbox',
          role: 'switch',
          checked: view.changes.value,
          onChange: (/** @type {Event} */ { currentTarget }) => {
            view.changes.value = /** @type {HTMLInputElement} */ (currentTarget).checked;
          },
        }),
        'Show changes',
      ),
      since &&
        h(
          'button',
          { key: 'next', class: 'button small', type: 'button', disabled: !hasChanges, onClick: nextChange },
          'Next change',
        ),
      since &&
        h(
          'select',
          {
            key: 'since',
            class: 'select',
            'aria-label': 'Which changes',
            value: since,
            onChange: (/** @type {Event} */ { currentTarget }) => {
              const { value } = /** @type {HTMLSelectElement} */ (currentTarget);
              view.since.value = value === 'now' ? 'now' : 'before';
            },
          },
          h('option', { value: 'before' }, version ? 'Since the version before' : 'Made in these edits'),
          h('option', { value: 'now' }, 'From here until now'),
        ),
      shown &&
        'difference' in shown &&
        h('p', { class: 'history-summary', role: 'status' }, summaryOf(shown.difference.summary)),
    ),
    h(Content, { shown, title: `${name}, view only`, again: tryAgain, keyed }),
  );
}
