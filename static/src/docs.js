/** The API, read from its own OpenAPI description: groups, operations, examples, error codes, and GETs to try. */
import { $, debounced, h, setText } from './dom.js';

const BASE = '/api/v1';

const pretty = (value) => JSON.stringify(value, null, 2);

/** The name of a schema as people read it: `uuid`, `string or null`, `array of TagOut`. */
export function typeOf(schema) {
  if (!schema) return '';
  if (schema.$ref) return schema.$ref.split('/').at(-1);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(' or ');
  if (schema.enum) return schema.enum.map(String).join(' | ');
  if (schema.type === 'array') return `array of ${typeOf(schema.items) || 'anything'}`;
  return schema.format ?? schema.type ?? 'anything';
}

function table(heads, rows) {
  return h('div', { class: 'docs-table' }, h('table', {},
    h('thead', {}, h('tr', {}, heads.map((head) => h('th', { scope: 'col' }, head)))),
    h('tbody', {}, rows.map((cells) => h('tr', {}, cells.map((cell) => h('td', {}, cell)))))));
}

const code = (text) => h('code', {}, text);

function parameters(operation) {
  if (!operation.parameters?.length) return [];
  const rows = operation.parameters.map(({ name, in: place, required, schema, description }) => [
    code(name), place + (required ? ', required' : ''), typeOf(schema), description ?? '']);
  return [h('h4', {}, 'Parameters'), table(['Name', 'In', 'Type', 'Meaning'], rows)];
}

function examples(content) {
  return Object.entries(content ?? {}).flatMap(([kind, { schema, example }]) => [
    h('p', {}, code(kind), schema ? ` ${typeOf(schema)}` : ''),
    example !== undefined && h('pre', { tabindex: '0' }, pretty(example))]);
}

function answers({ responses }) {
  const entries = Object.entries(responses).sort(([a], [b]) => a.localeCompare(b));
  return [h('h4', {}, 'Answers'), ...entries.map(([status, answer]) => (status < '400'
    ? h('div', {}, h('p', {}, code(status), ` ${answer.description}`), examples(answer.content))
    : h('p', {}, code(status), ` ${answer.description.replaceAll('`', '')}`)))];
}

/** A form that sends a GET as whoever is signed in here, and shows what came. */
function trial(path, operation) {
  const fields = (operation.parameters ?? []).filter(({ in: place }) => place === 'path' || place === 'query');
  const answer = h('pre', { tabindex: '0', hidden: true, 'aria-live': 'polite' });
  const inputs = fields.map(({ name, required }) => h('label', {}, code(name), ' ',
    h('input', { name, required, autocomplete: 'off', spellcheck: 'false' })));
  const send = async (event) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const value = (name) => String(given.get(name) ?? '').trim();
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
  return [h('h4', {}, 'Try it'), h('form', { class: 'docs-try', onsubmit: send }, inputs,
    h('button', { class: 'button small', type: 'submit' }, 'Send')), answer];
}

function operationCard(method, path, operation) {
  const body = operation.requestBody?.content;
  const card = h('details', { class: 'docs-operation', id: operation.operationId },
    h('summary', {}, h('b', { class: `docs-method ${method}` }, method.toUpperCase()), ' ', code(path), ' ',
      h('span', {}, operation.summary ?? '')));
  // Seventy operations with their tables are a lot to lay out: each is made when it is opened.
  card.addEventListener('toggle', () => {
    if (!card.open || card.childElementCount > 1) return;
    card.append(...[
      h('p', {}, (operation.description ?? '').replaceAll('`', '')), ...parameters(operation),
      ...(body ? [h('h4', {}, 'Body'), ...examples(body)] : []), ...answers(operation),
      ...(method === 'get' ? trial(path, operation) : []),
    ].filter(Boolean));
  });
  card.dataset.words = `${method} ${path} ${operation.summary} ${operation.description}`.toLowerCase();
  return card;
}

function showErrors(codes) {
  $('errors').append(table(['Code', 'HTTP', 'WebSocket close', 'Meaning'], codes.map((row) => [
    code(row.code), String(row.status), row.close_code ? String(row.close_code) : '', row.title])));
  $('errors').hidden = false;
}

function filter(groups) {
  const words = $('filter').value.toLowerCase().split(/\s+/).filter(Boolean);
  let count = 0;
  for (const group of groups) {
    let any = false;
    for (const card of group.querySelectorAll('details')) {
      card.hidden = !words.every((word) => card.dataset.words.includes(word));
      if (!card.hidden) count += 1;
      any ||= !card.hidden;
    }
    group.hidden = !any;
  }
  setText($('found'), `${count} operations`);
}

async function start() {
  const response = await fetch(`${BASE}/openapi.json`);
  if (!response.ok) throw new Error(String(response.status));
  const api = await response.json();
  setText($('about'), `${api.info.description.replaceAll('`', '')} Version ${api.info.version}; all paths are below ${BASE}.`);
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
  $('filter').addEventListener('input', debounced(80, () => filter(groups)));
  filter(groups);
  const named = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (named) {
    named.open = true;
    named.scrollIntoView();
  }
}

start().catch(() => $('groups').append(h('p', { class: 'problem', role: 'alert' },
  'The description cannot be loaded. Reload the page when the server answers again.')));
