/** The rows of the list of documents. */
import { h } from 'preact';
import { pageOf } from '../lib/addresses.js';
import { STATUSES, TYPES, titleOf } from '../lib/document-types.js';
import { counted } from '../lib/format.js';
import { partsOf } from '../lib/highlights.js';
import { isUnsent } from '../lib/kept-answers.js';
import { Icon, MenuButton, TagChip, Time } from './elements.js';
import { PresenceBadge } from './presence-badge.js';

/** @import { Items } from './menu.js' */
/** @import { Doc, Hit } from '../lib/types.js' */

/**
 * The server extracts the excerpt some seconds after the last edit. Until then a document may have text but no excerpt.
 * @param {Doc} doc
 */
const withoutExcerpt = ({ type, word_count: words }) => {
  if (type === 'password') return 'Encrypted';
  return words === null ? 'No preview yet' : 'Nothing written yet';
};

/**
 * The excerpt without the title at its beginning, which stands above it.
 * @param {Doc} doc
 */
const excerptOf = (doc) =>
  doc.excerpt?.startsWith(`${doc.title} `) ? doc.excerpt.slice((doc.title ?? '').length + 1) : doc.excerpt;

/** @param {{ doc: Doc }} props */
function Labels({ doc }) {
  const texts = [
    doc.type && doc.type !== 'markdown' ? (TYPES[doc.type] ?? doc.type) : '',
    doc.status && !['draft', 'active'].includes(doc.status) ? STATUSES[doc.status] : '',
    doc.is_template ? 'Template' : '',
  ].filter((text) => text !== '');
  const tags = doc.tags ?? [];
  const unsent = isUnsent(doc.id);
  if (texts.length + tags.length === 0 && !unsent) return null;
  return h(
    'span',
    { class: 'row-labels' },
    unsent &&
      h(
        'span',
        {
          class: 'chip plain unsent',
          title: 'Text in this browser has not reached the server. It is sent when you open it.',
        },
        'Not sent yet',
      ),
    texts.map((text) => h('span', { key: text, class: 'chip plain' }, text)),
    tags.map((tag) => h(TagChip, { key: `tag ${tag.slug}`, tag })),
  );
}

/** @param {{ doc: Doc, place?: string }} props */
const Facts = ({ doc, place }) =>
  h(
    'span',
    { class: 'row-meta' },
    h(PresenceBadge, { doc }),
    h(Time, { at: doc.last_edited_at ?? doc.created_at }),
    doc.word_count != null && h('span', {}, counted(doc.word_count, 'word')),
    Boolean(doc.comment_count) && h('span', {}, counted(doc.comment_count ?? 0, 'open thread')),
    place && h('span', { class: 'place' }, place),
  );

/** @param {{ doc: Doc }} props */
const Texts = ({ doc }) => [
  h('span', { class: 'row-title' }, titleOf(doc)),
  h('span', { class: doc.excerpt ? 'row-excerpt' : 'row-excerpt blank' }, excerptOf(doc) || withoutExcerpt(doc)),
];

/** @param {{ text: string }} props a snippet of the search */
const Highlighted = ({ text }) =>
  partsOf(text).map(({ text: part, marked }, index) => (marked ? h('mark', { key: index }, part) : part));

/**
 * A row that only opens its document.
 * @param {{ doc: Doc }} props
 */
export const PlainRow = ({ doc }) =>
  h(
    'li',
    { 'data-id': doc.id },
    h('a', { class: 'row', href: pageOf(doc.address) }, h(Texts, { doc }), h(Labels, { doc }), h(Facts, { doc })),
  );

/** @param {{ doc: Doc, toggle: (doc: Doc) => void }} props */
export function StarButton({ doc, toggle }) {
  const isOn = Boolean(doc.is_favourite);
  return h(
    'button',
    {
      class: 'icon-button star',
      type: 'button',
      'aria-pressed': String(isOn),
      'aria-label': isOn ? `Remove ${titleOf(doc)} from favourites` : `Add ${titleOf(doc)} to favourites`,
      title: isOn ? 'Favourite' : 'Add to favourites',
      onClick: () => toggle(doc),
    },
    h(Icon, { name: 'star' }),
  );
}

/** Whether a row is selected, and what is done with clicks on it. @typedef {{ isOn: boolean, click: (event: MouseEvent, isBox: boolean) => void }} Select */

/** @param {{ doc: Doc, select: Select }} props */
const SelectBox = ({ doc, select }) =>
  h(
    'label',
    { class: 'row-select' },
    h(Icon, { name: 'document' }),
    h('input', {
      type: 'checkbox',
      checked: select.isOn,
      'aria-label': `Select ${titleOf(doc)}`,
      onClick: (/** @type {MouseEvent} */ event) => select.click(event, true),
    }),
  );

/** @param {Select} select */
const rowClass = ({ isOn }) => (isOn ? 'with-tools selected' : 'with-tools');

/** @param {{ doc: Doc, select: Select, star: (doc: Doc) => void, menu: (doc: Doc) => Items, place?: string }} props */
export const MemberRow = ({ doc, select, star, menu, place }) =>
  h(
    'li',
    { 'data-id': doc.id, class: rowClass(select) },
    h(SelectBox, { doc, select }),
    h(
      'a',
      {
        class: 'row',
        href: pageOf(doc.address),
        onClick: (/** @type {MouseEvent} */ event) => select.click(event, false),
      },
      h(Texts, { doc }),
      h(Labels, { doc }),
      h(Facts, { doc, place }),
    ),
    h(
      'div',
      { class: 'row-tools' },
      h(StarButton, { doc, toggle: star }),
      h(MenuButton, { label: `Actions for ${titleOf(doc)}`, items: () => menu(doc) }),
    ),
  );

/** @param {{ doc: Doc, select: Select, restore: (doc: Doc) => void, destroy: ((doc: Doc) => void) | null }} props */
export const TrashRow = ({ doc, select, restore, destroy }) =>
  h(
    'li',
    { 'data-id': doc.id, class: rowClass(select) },
    h(SelectBox, { doc, select }),
    h(
      'div',
      { class: 'row still' },
      h(Texts, { doc }),
      h('span', { class: 'row-meta' }, h(Time, { at: doc.deleted_at ?? doc.updated_at, before: 'Deleted ' })),
    ),
    h(
      'div',
      { class: 'row-tools' },
      h(
        'button',
        {
          class: 'button small',
          type: 'button',
          'aria-label': `Restore ${titleOf(doc)}`,
          onClick: () => restore(doc),
        },
        'Restore',
      ),
      destroy &&
        h(
          'button',
          {
            class: 'icon-button',
            type: 'button',
            'aria-label': `Delete ${titleOf(doc)} forever`,
            title: 'Delete forever',
            onClick: () => destroy(doc),
          },
          h(Icon, { name: 'trash' }),
        ),
    ),
  );

/** @param {{ name: string }} props of the file in which the words are */
const InFile = ({ name }) =>
  h(
    'span',
    { class: 'in-file' },
    h(Icon, { name: 'clip' }),
    h('span', { class: 'visually-hidden' }, 'In the file '),
    h('span', {}, name),
    ' ',
  );

/** @param {{ hit: Hit, place?: string }} props */
export const HitRow = ({ hit: { document: doc, snippet, title_highlight: title, attachment }, place }) =>
  h(
    'li',
    { 'data-id': doc.id },
    h(
      'a',
      { class: 'row', href: pageOf(doc.address) },
      h('span', { class: 'row-title' }, title ? h(Highlighted, { text: title }) : titleOf(doc)),
      h(
        'span',
        { class: 'row-excerpt snippet' },
        attachment && h(InFile, { name: attachment.file_name }),
        h(Highlighted, { text: snippet ?? '' }),
      ),
      h('span', { class: 'row-meta' }, h(Time, { at: doc.updated_at }), place && h('span', { class: 'place' }, place)),
    ),
  );
