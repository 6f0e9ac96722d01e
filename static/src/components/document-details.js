/** The dialog with the details of a document. */
import * as api from '../lib/api.js';
import { METADATA_FIELDS, PRIORITIES, STATUSES, TYPES, mayEdit } from '../lib/document-types.js';
import { h } from '../lib/dom.js';
import { counted } from '../lib/format.js';
import { clock } from './clock.js';
import { formDialog } from './dialog.js';
import { saveTags, tagField } from './document-tags.js';
import { field } from './form.js';
import { tryTo } from './toast.js';

/** @import { Child } from '../lib/dom.js' */
/** @import { Doc } from '../lib/types.js' */

/**
 * Shows the details of a document, and lets editors change them.
 * @param {{ id: string }} doc
 * @param {{ inside: boolean }} place inside: the person is a member of its workspace, and uses its tags and categories
 * @returns {Promise<Doc | null>} the changed document
 */
export async function detailsDialog({ id }, { inside }) {
  const doc = await tryTo(() => api.document(id));
  if (!doc) return null;
  const categories = inside ? (await api.categories(doc.workspace_id).catch(() => ({ items: [] }))).items : [];
  const fixed = !mayEdit(doc);
  /** @type {[string, Child | Child[]][]} */
  const facts = [
    ['Type', TYPES[doc.type] ?? doc.type],
    ['Created', [clock(doc.created_at), doc.created_by ? ` by ${doc.created_by.name}` : '']],
    ['Changed', [clock(doc.last_edited_at ?? doc.updated_at), doc.updated_by ? ` by ${doc.updated_by.name}` : '']],
    ['Length', doc.word_count == null ? 'Not counted yet' : counted(doc.word_count, 'word')],
    ['Opened', doc.view_count == null ? null : counted(doc.view_count, 'time')],
    ['Address', h('code', {}, doc.address)],
  ];
  const list = h(
    'dl',
    { class: 'facts' },
    ...facts
      .filter(([, value]) => value !== null)
      .flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, ...[value].flat())]),
  );
  const own = (METADATA_FIELDS[doc.type] ?? []).map((each) => {
    const value = doc.metadata?.[each.name] ?? '';
    return {
      ...each,
      name: `of-${each.name}`,
      value: each.type === 'date' ? value.slice(0, 10) : value,
      disabled: fixed,
    };
  });
  /**
   * @param {'status' | 'priority' | 'category_id'} name
   * @param {string} label
   * @param {[string, string][]} options
   */
  const select = (name, label, options) => ({
    name,
    label,
    type: 'select',
    value: doc[name] ?? '',
    options,
    disabled: fixed,
  });
  return formDialog({
    title: 'Details',
    fields: [
      list,
      ...own,
      {
        name: 'description',
        label: 'Description',
        type: 'textarea',
        value: doc.description ?? '',
        maxlength: 2000,
        disabled: fixed,
      },
      h(
        'div',
        { class: 'field-row' },
        ...[
          select('status', 'Status', Object.entries(STATUSES)),
          select('priority', 'Priority', Object.entries(PRIORITIES)),
        ].map(field),
      ),
      ...(categories.length > 0
        ? [
            select('category_id', 'Category', [
              ['', 'None'],
              ...categories.map((each) => /** @type {[string, string]} */ ([each.id, each.name])),
            ]),
          ]
        : []),
      ...(fixed || !inside ? [] : [await tagField(doc)]),
    ],
    verb: fixed ? 'Close' : 'Save',
    act: async ({ tags, ...given }) => {
      if (fixed) return doc;
      const wanted = Object.fromEntries(Object.entries(given).filter(([name]) => !name.startsWith('of-')));
      wanted.description = given.description || null;
      if ('category_id' in given) wanted.category_id = given.category_id || null;
      const known = /** @type {Record<string, any>} */ (doc);
      const change = Object.fromEntries(
        Object.entries(wanted).filter(([name, value]) => value !== (known[name] ?? null)),
      );
      const metadata = { ...doc.metadata };
      for (const { name } of METADATA_FIELDS[doc.type] ?? []) {
        if (given[`of-${name}`] === '') delete metadata[name];
        else metadata[name] = given[`of-${name}`];
      }
      if (JSON.stringify(metadata) !== JSON.stringify(doc.metadata ?? {})) change.metadata = metadata;
      const changed = Object.keys(change).length > 0 ? await api.changeDocument(doc.id, change) : doc;
      return tags === undefined ? changed : saveTags(changed, tags);
    },
  });
}
