/** Names of the types, statuses and priorities of documents. */

/** @import { Doc } from './types.js' */

/** Types that a person can create: the name, and a line that says what it is for. */
export const STARTABLE = [
  ['markdown', 'Document', 'Markdown with headings, lists and links'],
  ['note', 'Note', 'Something short to keep'],
  ['task', 'Task', 'A thing to do, with its checklist'],
  ['presentation', 'Presentation', 'Slides, written as Markdown'],
  ['mindmap', 'Mind map', 'Ideas as an indented outline'],
  ['bookmark', 'Bookmark', 'A link and what to remember of it'],
  ['contact', 'Contact', 'A person and how to reach them'],
  ['mixed', 'Mixed', 'Several of these in one'],
];

/** @type {Record<string, string>} */
export const TYPES = { ...Object.fromEntries(STARTABLE), password: 'Password', file: 'File' };
/** @type {Record<string, string>} */
export const STATUSES = { draft: 'Draft', active: 'Active', published: 'Published', archived: 'Archived' };
/** @type {Record<string, string>} */
export const PRIORITIES = { low: 'Low', normal: 'Normal', high: 'High' };

/**
 * Whether the text of a document is Markdown. That of a password is encrypted, and that of a file may be anything.
 * @param {Pick<Doc, 'type'>} doc
 */
export const isMarkdown = ({ type }) => STARTABLE.some(([name]) => name === type);

/**
 * Whether the text of a document may be Markdown or rich text. Slides and outlines are Markdown.
 * @param {Pick<Doc, 'type'>} doc
 */
export const isConvertible = (doc) => isMarkdown(doc) && doc.type !== 'presentation' && doc.type !== 'mindmap';

/** @param {Pick<Doc, 'title' | 'name'>} doc */
export const titleOf = ({ title, name }) => title || name || 'Untitled';

/** @param {Doc} doc */
export const mayEdit = ({ role }) => role === 'editor' || role === 'admin';
/** @param {Doc} doc */
export const mayDelete = ({ role }) => role === 'admin';

/**
 * Fields of the metadata that the pages show, by type of document.
 * @type {Record<string, import('../components/form.js').FieldOptions[]>}
 */
export const METADATA_FIELDS = {
  bookmark: [{ name: 'url', label: 'Link', type: 'url', required: true, maxlength: 2048, placeholder: 'https://' }],
  task: [
    { name: 'due', label: 'Due', type: 'date' },
    { name: 'completed', label: 'Done', type: 'checkbox' },
  ],
  contact: [
    { name: 'email', label: 'E-mail', type: 'email', maxlength: 254 },
    { name: 'phone', label: 'Phone', type: 'tel', maxlength: 500 },
    { name: 'organization', label: 'Organization', maxlength: 500 },
  ],
};
