/** What has happened in a workspace, in its settings. */
import * as api from '../lib/api.js';
import { h } from '../lib/dom.js';
import { clock } from './clock.js';
import { pagedList, section } from './settings.js';

/** @import { Activity, Workspace } from '../lib/types.js' */

/** @type {Record<string, string>} */
const VERBS = {
  insert: 'added',
  update: 'changed',
  delete: 'removed',
  create: 'added',
  restore: 'restored',
  archive: 'archived',
  refuse_malware: 'sent a file with malware to',
};
/** @param {string} text */
const worded = (text) => text.replaceAll('_', ' ');

/**
 * The name of what an event is about: a title, a name, an address.
 * @param {Activity} event
 * @returns {string}
 */
function subject({ data, entity_name: name }) {
  const values = { ...data?.old, ...data?.new, ...data };
  return name ?? values.title ?? values.name ?? values.email ?? values.user_name ?? '';
}

/**
 * Such as "role: viewer → editor", for plain values that changed.
 * @param {Activity} event
 */
function changes({ changed_fields: fields, data }) {
  const plain = (/** @type {unknown} */ value) =>
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
  return (fields ?? [])
    .map((name) => {
      const [before, now] = [plain(data?.old?.[name]), plain(data?.new?.[name])];
      return before !== null && now !== null && before.length + now.length < 60
        ? `${worded(name)}: ${before} → ${now}`
        : worded(name);
    })
    .join(', ');
}

/**
 * Makes the section with what has happened in a workspace.
 * @param {Workspace} workspace
 * @returns {HTMLElement}
 */
export function activitySection(workspace) {
  const list = pagedList({
    label: 'Activity',
    empty: 'Nothing has happened yet.',
    load: (cursor) => api.activity(workspace.id, { cursor, limit: 20 }),
    row: (event) =>
      h(
        'li',
        { class: 'line' },
        h(
          'div',
          { class: 'line-text' },
          h(
            'p',
            { class: 'event' },
            h('b', {}, event.actor?.name ?? 'The server'),
            ` ${VERBS[event.action] ?? worded(event.action)} `,
            worded(event.entity_type),
            subject(event) && [' ', h('b', {}, subject(event))],
          ),
          h('p', {}, clock(event.at), changes(event) && ` · ${changes(event)}`),
        ),
      ),
  });
  list.reload();
  return section('Activity', null, list.element);
}
