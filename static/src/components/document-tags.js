/** The tags of a document: the field of dialogs, and the dialog with nothing else. */
import * as api from '../lib/api.js';
import { titleOf } from '../lib/document-types.js';
import { h } from '../lib/dom.js';
import { formDialog } from './dialog.js';

/** @import { Doc } from '../lib/types.js' */

/** The names in a text, separated by commas. @param {string} text */
export const tagsIn = (text) => [
  ...new Set(
    text
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean),
  ),
];
/**
 * @param {string[]} a
 * @param {string[]} b
 */
const sameTags = (a, b) => a.length === b.length && a.every((name, index) => name === b[index]);

/**
 * Makes the field `tags`: names separated by commas, with buttons that add tags of the workspace.
 * @param {Pick<Doc, 'workspace_id' | 'tags'>} doc
 * @returns {Promise<HTMLElement>}
 */
export async function tagField(doc) {
  const known = (await api.tags(doc.workspace_id).catch(() => ({ items: [] }))).items;
  const input = h('input', {
    id: 'tags-input',
    name: 'tags',
    type: 'text',
    autocomplete: 'off',
    value: (doc.tags ?? []).map(({ name }) => name).join(', '),
    'aria-describedby': 'tags-hint',
  });
  const suggestions = h('div', { class: 'suggestions', role: 'group', 'aria-label': 'Tags of this workspace' });
  const show = () => {
    const used = tagsIn(input.value).map((name) => name.toLocaleLowerCase());
    suggestions.replaceChildren(
      ...known
        .filter(({ name }) => !used.includes(name.toLocaleLowerCase()))
        .slice(0, 12)
        .map(({ name }) =>
          h(
            'button',
            {
              class: 'chip',
              type: 'button',
              'aria-label': `Add tag ${name}`,
              onclick: () => {
                input.value = [...tagsIn(input.value), name].join(', ');
                show();
                input.focus();
              },
            },
            name,
          ),
        ),
    );
  };
  input.addEventListener('input', show);
  show();
  return h(
    'div',
    { class: 'field' },
    h('label', { for: 'tags-input' }, 'Tags'),
    input,
    h('p', { class: 'hint', id: 'tags-hint' }, 'Separated by commas. A new name makes a new tag.'),
    suggestions,
  );
}

/**
 * Saves the tags of a document where they differ from its own. Throws a RequestError.
 * @param {Doc} doc
 * @param {string} text names separated by commas
 * @returns {Promise<Doc>} the changed document, or `doc` where nothing differs
 */
export async function saveTags(doc, text) {
  const wanted = tagsIn(text);
  return sameTags(
    wanted,
    (doc.tags ?? []).map(({ name }) => name),
  )
    ? doc
    : api.setTags(doc.id, wanted);
}

/**
 * Asks for the tags of a document.
 * @param {Doc} doc
 * @returns {Promise<Doc | null>} the changed document, null when dismissed
 */
export async function tagsDialog(doc) {
  const input = await tagField(doc);
  return formDialog({
    title: `Tags of “${titleOf(doc)}”`,
    fields: [input],
    verb: 'Save',
    act: ({ tags }) => saveTags(doc, tags),
  });
}
