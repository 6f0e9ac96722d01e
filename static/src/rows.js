/** The rows of the document list. */
import { pageOf } from './addresses.js';
import { h } from './dom.js';
import { icon } from './icons.js';
import { STATUSES, TYPES, titleOf } from './kinds.js';
import { markedNodes } from './marked.js';
import { moreButton } from './menu.js';
import { hereNow } from './presence.js';
import { ago, counted } from './prose.js';

export function clock(iso, before = '') {
  const at = new Date(iso);
  const full = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' }).format(at);
  return h('time', { datetime: iso, title: full }, before + ago(at.getTime(), Date.now()));
}

/** The server reads the text of a document when its room is quiet; until then it may have text, but no excerpt. */
const blank = ({ type, word_count: words }) => {
  if (type === 'password') return 'Encrypted';
  return words === null ? 'No preview yet' : 'Nothing written yet';
};

/** The title is above it already: what follows says more. */
const excerptOf = (doc) => (doc.excerpt?.startsWith(`${doc.title} `) ? doc.excerpt.slice(doc.title.length + 1) : doc.excerpt);

/** @returns {HTMLElement} a tag; the colour is the workspace's choice for it */
export function chip(tag, attributes = {}) {
  const element = h(attributes.onclick ? 'button' : 'span', { class: 'chip', ...(attributes.onclick ? { type: 'button' } : {}), ...attributes }, tag.name);
  if (/^#[0-9a-f]{6}$/i.test(tag.color ?? '')) element.style.setProperty('--chip', tag.color);
  return element;
}

function labels(doc) {
  const found = [
    doc.type && doc.type !== 'markdown' && h('span', { class: 'chip plain' }, TYPES[doc.type] ?? doc.type),
    doc.status && !['draft', 'active'].includes(doc.status) && h('span', { class: 'chip plain' }, STATUSES[doc.status]),
    doc.is_template && h('span', { class: 'chip plain' }, 'Template'),
    ...(doc.tags ?? []).map((tag) => chip(tag)),
  ].filter(Boolean);
  return found.length > 0 && h('span', { class: 'row-labels' }, ...found);
}

const meta = (doc, ...more) => {
  const words = doc.word_count ?? null;
  return h('span', { class: 'row-meta' },
    hereNow(doc), clock(doc.last_edited_at ?? doc.created_at), words !== null && h('span', {}, counted(words, 'word')), ...more);
};

const text = (doc) => [
  h('span', { class: 'row-title' }, titleOf(doc)),
  h('span', { class: doc.excerpt ? 'row-excerpt' : 'row-excerpt blank' }, excerptOf(doc) || blank(doc)),
];

/** A row that only opens its document. */
export const plainRow = (doc) => h('li', { 'data-id': doc.id }, h('a', { class: 'row', href: pageOf(doc.address) }, ...text(doc), meta(doc)));

export function starButton(doc, toggle) {
  const label = doc.is_favourite ? `Remove ${titleOf(doc)} from favourites` : `Add ${titleOf(doc)} to favourites`;
  return h('button', {
    class: 'icon-button star', type: 'button', 'aria-pressed': String(Boolean(doc.is_favourite)), 'aria-label': label, title: doc.is_favourite ? 'Favourite' : 'Add to favourites',
    onclick: () => toggle(doc),
  }, icon('star'));
}

/** @param {{star: (doc) => void, menu: (doc) => object[], place?: string}} does place: the workspace's name */
export const memberRow = (doc, { star, menu, place }) => h('li', { 'data-id': doc.id, class: 'with-tools' },
  h('a', { class: 'row', href: pageOf(doc.address) }, ...text(doc), labels(doc), meta(doc, place && h('span', { class: 'place' }, place))),
  h('div', { class: 'row-tools' }, starButton(doc, star), moreButton(`Actions for ${titleOf(doc)}`, () => menu(doc))));

/** @param {{restore: (doc) => void, destroy: (doc) => void}} does */
export const trashRow = (doc, { restore, destroy }) => h('li', { 'data-id': doc.id, class: 'with-tools' },
  h('div', { class: 'row still' }, ...text(doc), h('span', { class: 'row-meta' }, clock(doc.deleted_at ?? doc.updated_at, 'Deleted '))),
  h('div', { class: 'row-tools' },
    h('button', { class: 'button small', type: 'button', 'aria-label': `Restore ${titleOf(doc)}`, onclick: () => restore(doc) }, 'Restore'),
    destroy && h('button', {
      class: 'icon-button', type: 'button', 'aria-label': `Delete ${titleOf(doc)} forever`, title: 'Delete forever', onclick: () => destroy(doc),
    }, icon('trash'))));

/** @param {object} found an item of the search; `place`: the name of its workspace where that is worth saying */
export const foundRow = ({ document: doc, snippet, title_highlight: title }, place) => h('li', { 'data-id': doc.id }, h('a', { class: 'row', href: pageOf(doc.address) },
  h('span', { class: 'row-title' }, ...(title ? markedNodes(title) : [titleOf(doc)])),
  h('span', { class: 'row-excerpt snippet' }, ...markedNodes(snippet)),
  h('span', { class: 'row-meta' }, clock(doc.updated_at), place && h('span', { class: 'place' }, place))));
