/** The API reference, made of the OpenAPI description: operations, examples, error codes, and a form for each GET. */
import { bindThemeButton } from '../lib/theme.js';
import { $, debounced, h, setText } from '../lib/dom.js';

/** @import { Child, Children } from '../lib/dom.js' */

/** @typedef {any} Operation an operation of OpenAPI */

const BASE = '/api/v1';

/** @param {unknown} value */
const pretty = (value) => JSON.stringify(value, null, 2);

/**
 * The name of a schema as people read it: `uuid`, `string or null`, `array of TagOut`.
 * @param {any} schema
 * @returns {string}
 */
export function typeOf(schema) {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.enum) return schema.enum.map(String).join(' | ');
  if (schema.type === 'array') return `array of ${typeOf(schema.items) || 'anything'}`;
  return schema.format ?? schema.type ?? 'anything';
}

/**
 * @param {string[]} heads
 * @param {Children[][]} rows
 */
function table(heads, rows) {
  return h(
    'div',
    { class: 'docs-table' },
    h(
      'table',
      {},
      h(
        'thead',
        {},
        h(
          'tr',
          {},
          heads.map((head) => h('th', { scope: 'col' }, head)),
        ),
      ),
      h(
        'tbody',
        {},
        rows.map((cells) =>
          h(
            'tr',
            {},
            cells.map((cell) => h('td', {}, cell)),
          ),
        ),
      ),
    ),
  );
}

/** @param {string} text */
const code = (text) => h('code', {}, text);

/**
 * @param {Operation} operation
 * @returns {Child[]}
 */
function parameters(operation) {
  if (!operation.parameters?.length) return [];
  /** @type {Children[][]} */
  const rows = operation.parameters.map((/** @type {any} */ { name, in: place, required, schema, description }) => [
    code(name),
    place + (required ? ', required' : ''),
    typeOf(schema),
    description ?? '',
  ]);
  return [h('h4', {}, 'Parameters'), table(['Name', 'In', 'Type', 'Meaning'], rows)];
}

/**
 * @param {Record<string, any> | undefined} content
 * @returns {Child[]}
 */
function examples(content) {
  return Object.entries(content ?? {}).flatMap(([kind, { schema, example }]) => [
    h('p', {}, code(kind), schema ? ` ${typeOf(schema)}` : ''),
    example !== undefined && h('pre', { tabindex: '0' }, pretty(example)),
  ]);
}

/**
 * @param {Operation} operation
 * @returns {Child[]}
 */
function answers({ responses }) {
  const entries = Object.entries(responses).sort(([a], [b]) => a.localeCompare(b));
  return [
    h('h4', {}, 'Answers'),
    ...entries.map(([status, answer]) =>
      status < '400'
        ? h('div', {}, h('p', {}, code(status), ` ${answer.description}`), examples(answer.content))
        : h('p', {}, code(status), ` ${answer.description.replaceAll('`', '')}`),
    ),
  ];
}

/**
 * Makes a form that sends a GET with the session of this browser, and shows the answer.
 * @param {string} path
 * @param {Operation} operation
 * @returns {Child[]}
 */
function trial(path, operation) {
  const fields = (operation.parameters ?? []).filter(
    (/** @type {any} */ { in: place }) => place === 'path' || place === 'query',
  );
  const answer = h('pre', { tabindex: '0', hidden: true, 'aria-live': 'polite' });
  const inputs = fields.map((/** @type {any} */ { name, required }) =>
    h('label', {}, code(name), ' ', h('input', { name, required, autocomplete: 'off', spellcheck: 'false' })),
  );
  const send = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const given = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    const value = (/** @type {string} */ name) => String(given.get(name) ?? '').trim();
    const filled = path.replace(/\{(\w+)\}/g, (_, name) => encodeURIComponent(value(name)));
    const url = new URL(BASE + filled, location.origin);
    for (const { name, in: place } of fields) {
      if (place === 'query' && value(name)) url.searchParams.append(name, value(name));
    }
    answer.hidden = false;
    setText(answer, 'Asking …');
    try {
      const response = await fetch(url, { headers: { Accept: 'application/json' }, redirect: 'manual' });
      const text = await response.text();
      let shown = text;
      try {
        shown = pretty(JSON.parse(text));
      } catch {
        // Not JSON: shown as it came.
      }
      setText(answer, `${response.status || 'a redirection'} ${response.statusText}\n\n${shown}`.trim());
    } catch {
      setText(answer, 'The server cannot be reached.');
    }
  };
  return [
    h('h4', {}, 'Try it'),
    h(
      'form',
      { class: 'docs-try', onsubmit: send },
      inputs,
      h('button', { class: 'button small', type: 'submit' }, 'Send'),
    ),
    answer,
  ];
}

/**
 * @param {string} method
 * @param {string} path
 * @param {Operation} operation
 */
function operationCard(method, path, operation) {
  const body = operation.requestBody?.content;
  const card = h(
    'details',
    { class: 'docs-operation', id: operation.operationId },
    h(
      'summary',
      {},
      h('b', { class: `docs-method ${method}` }, method.toUpperCase()),
      ' ',
      code(path),
      ' ',
      h('span', {}, operation.summary ?? ''),
    ),
  );
  // The content of an operation is made when it is opened, because there are many operations.
  card.addEventListener('toggle', () => {
    if (!card.open || card.childElementCount > 1) return;
    card.append(
      h(
        'div',
        {},
        h('p', {}, (operation.description ?? '').replaceAll('`', '')),
        ...parameters(operation),
        ...(body ? [h('h4', {}, 'Body'), ...examples(body)] : []),
        ...answers(operation),
        ...(method === 'get' ? trial(path, operation) : []),
      ),
    );
  });
  card.dataset.words = `${method} ${path} ${operation.summary} ${operation.description}`.toLowerCase();
  return card;
}

/** @param {any[]} codes */
function showErrors(codes) {
  $('errors').append(
    table(
      ['Code', 'HTTP', 'WebSocket close', 'Meaning'],
      codes.map((row) => [code(row.code), String(row.status), row.close_code ? String(row.close_code) : '', row.title]),
    ),
  );
  $('errors').hidden = false;
}

/** @param {HTMLElement[]} groups */
function filter(groups) {
  const words = $('filter', HTMLInputElement).value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const group of groups) {
    let any = false;
    for (const card of group.querySelectorAll('details')) {
      card.hidden = !words.every((word) => card.dataset.words?.includes(word));
      if (!card.hidden) count += 1;
      any ||= !card.hidden;
    }
    group.hidden = !any;
  }
  setText($('found'), `${count} operations`);
}

async function start() {
  bindThemeButton($('theme'));
  const response = await fetch(`${BASE}/openapi.json`);
  if (!response.ok) throw new Error(String(response.status));
  const api = await response.json();
  setText(
    $('about'),
    `${api.info.description.replaceAll('`', '')} Version ${api.info.version}; all paths are below ${BASE}.`,
  );
  const byTag = new Map();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      const tag = operation.tags?.[0] ?? 'other';
      if (!byTag.has(tag)) byTag.set(tag, h('section', {}, h('h2', { id: `tag-${tag}` }, tag)));
      byTag.get(tag).append(operationCard(method, path, operation));
    }
  }
  const groups = [...byTag.values()];
  $('groups').append(...groups);
  showErrors(api['x-error-codes'] ?? []);
  $('filter').addEventListener(
    'input',
    debounced(80, () => filter(groups)),
  );
  filter(groups);
  const named = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named instanceof HTMLDetailsElement) {
    named.open = true;
    named.scrollIntoView();
  }
}

start().catch(() =>
  $('groups').append(
    h(
      'p',
      { class: 'problem', role: 'alert' },
      'The description cannot be loaded. Reload the page when the server answers again.',
    ),
  ),
);
