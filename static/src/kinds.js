/** The words of documents: types, statuses, priorities. */

/** What a person can start here, with a line that says what it is for. */
export const STARTABLE = [
  ['markdown', 'Document', 'Text with headings, lists and links'],
  ['note', 'Note', 'Something short to keep'],
  ['task', 'Task', 'A thing to do, with its checklist'],
  ['presentation', 'Presentation', 'Slides, written as Markdown'],
  ['mindmap', 'Mind map', 'Ideas as an indented outline'],
  ['bookmark', 'Bookmark', 'A link and what to remember of it'],
  ['contact', 'Contact', 'A person and how to reach them'],
  ['mixed', 'Mixed', 'Several of these in one'],
];

export const TYPES = { ...Object.fromEntries(STARTABLE), password: 'Password', file: 'File' };
export const STATUSES = { draft: 'Draft', active: 'Active', published: 'Published', archived: 'Archived' };
export const PRIORITIES = { low: 'Low', normal: 'Normal', high: 'High' };

export const titleOf = ({ title, name }) => title || name || 'Untitled';

export const mayEdit = ({ role }) => role === 'editor' || role === 'admin';
export const mayDelete = ({ role }) => role === 'admin';

/** The fields of a kind's metadata that pages show: of form.js, by type. */
export const KIND_FIELDS = {
  bookmark: [{ name: 'url', label: 'Link', type: 'url', required: true, maxlength: 2048, placeholder: 'https://' }],
  task: [{ name: 'due', label: 'Due', type: 'date' }, { name: 'completed', label: 'Done', type: 'checkbox' }],
  contact: [
    { name: 'email', label: 'E-mail', type: 'email', maxlength: 254 }, { name: 'phone', label: 'Phone', type: 'tel', maxlength: 500 },
    { name: 'organization', label: 'Organization', maxlength: 500 },
  ],
};
