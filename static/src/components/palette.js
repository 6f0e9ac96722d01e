/** The palette: finds documents, pages and what can be done here by a few letters, with the keyboard alone. */
import { pageOf } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { commands, shownKey } from '../lib/commands.js';
import { titleOf } from '../lib/document-types.js';
import { debounced, h, setText } from '../lib/dom.js';
import { counted } from '../lib/format.js';
import { match } from '../lib/fuzzy.js';
import { memory } from '../lib/identity.js';
import { USED_COMMANDS, keptDocuments } from '../lib/kept-answers.js';
import { RequestError } from '../lib/request.js';
import { generalCommands } from './general-commands.js';
import { icon } from './icons.js';

/** @import { Command } from '../lib/commands.js' */
/** @import { Doc } from '../lib/types.js' */

/** Rows of one group, and commands that are remembered as used lately. */
const DOCUMENTS = 8;
/** Documents opened lately that are found without the server. */
const RECENT = 50;
const COMMANDS = 12;
const REMEMBERED = 6;
/** The groups, where nothing is asked for. Others come first. */
const ORDER = ['List of documents', 'Document', 'Comments', 'Formatting', 'New', 'Go to', 'Settings', 'Everywhere'];

/** @typedef {{ name: string, entries: Entry[] }} Group */
/** `at`: the letters of the label that were found. @typedef {Command & { at: number[], score: number }} Entry */

const DOCUMENTS_GROUP = 'Documents';

/** @type {HTMLDialogElement | null} */
let opened = null;

/** @returns {string[]} the labels of commands, the last one first */
function usedLately() {
  try {
    const kept = JSON.parse(memory.get(USED_COMMANDS) ?? '[]');
    return Array.isArray(kept) ? kept : [];
  } catch {
    return [];
  }
}

/** @param {string} label */
const remember = (label) =>
  memory.set(
    USED_COMMANDS,
    JSON.stringify([label, ...usedLately().filter((each) => each !== label)].slice(0, REMEMBERED)),
  );

/** @param {Doc} doc @returns {Command} */
const documentCommand = (doc) => {
  return { label: titleOf(doc), group: DOCUMENTS_GROUP, icon: 'document', href: pageOf(doc.address) };
};

/** Documents that are known here, which are found by single letters of their titles, too. @type {Map<string, Doc>} */
const pool = new Map();

/** @param {string} asked */
async function findDocuments(asked) {
  for (const { doc } of keptDocuments()) if (!pool.has(doc.id)) pool.set(doc.id, doc);
  /** @type {Doc[]} */
  let found;
  try {
    const { items } = asked
      ? await api.searchTitles({ q: asked, limit: DOCUMENTS })
      : await api.recentDocuments({ limit: RECENT });
    found = items.map((item) => item.document ?? item);
    for (const doc of found) pool.set(doc.id, doc);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    found = asked ? [] : [...pool.values()];
  }
  if (!asked) return found.slice(0, DOCUMENTS);
  const ids = new Set(found.map(({ id }) => id));
  const fit = (/** @type {Doc} */ doc) => match(asked, titleOf(doc))?.score ?? 0;
  const others = [...pool.values()].filter((doc) => !ids.has(doc.id) && match(asked, titleOf(doc)));
  return [...found, ...others].sort((one, other) => fit(other) - fit(one)).slice(0, DOCUMENTS);
}

/**
 * The commands that fit, the best ones first, in their groups.
 * @param {string} asked
 * @param {Command[]} known
 * @returns {Group[]}
 */
function fitting(asked, known) {
  const used = usedLately();
  const lately = (/** @type {Command} */ { label }) => {
    const at = used.indexOf(label);
    return at < 0 ? 0 : REMEMBERED - at;
  };
  const found = known.flatMap((command) => {
    const fit = match(asked, command.label);
    return fit ? [{ ...command, at: fit.at, score: fit.score + lately(command) }] : [];
  });
  found.sort((one, other) => other.score - one.score);
  if (!asked) {
    const first = found.filter((entry) => lately(entry) > 0);
    const rest = found.filter((entry) => lately(entry) === 0);
    const groups = byGroup(rest).sort((one, other) => ORDER.indexOf(one.name) - ORDER.indexOf(other.name));
    return [{ name: 'Used lately', entries: first }, ...groups];
  }
  return byGroup(found.slice(0, COMMANDS));
}

/** @param {Entry[]} entries @returns {Group[]} */
const byGroup = (entries) =>
  [...new Set(entries.map(({ group }) => group))].map((name) => ({
    name,
    entries: entries.filter(({ group }) => group === name),
  }));

/** @param {Entry} entry */
function labelOf({ label, at }) {
  const marked = new Set(at);
  /** @type {(string | HTMLElement)[]} */
  const parts = [];
  for (const [index, letter] of label.split('').entries()) {
    const last = parts.at(-1);
    if (marked.has(index)) {
      if (last instanceof HTMLElement) last.textContent += letter;
      else parts.push(h('b', {}, letter));
    } else if (typeof last === 'string') parts[parts.length - 1] = last + letter;
    else parts.push(letter);
  }
  return h('span', { class: 'quick-label' }, ...parts);
}

/**
 * @param {Entry} entry
 * @param {number} index
 * @param {() => void} run
 */
function option(entry, index, run) {
  const content = [
    entry.checked ? icon('check') : icon(entry.icon ?? 'right'),
    labelOf(entry),
    entry.note && h('span', { class: 'quick-note' }, entry.note),
    entry.keys && h('kbd', {}, shownKey(entry.keys[0])),
  ];
  const attributes = {
    role: 'option',
    id: `quick-${index}`,
    class: entry.danger ? 'danger' : null,
    'aria-selected': 'false',
    tabindex: '-1',
    onclick: run,
  };
  return entry.href ? h('a', { ...attributes, href: entry.href }, ...content) : h('div', attributes, ...content);
}

/** Opens the palette; a second call closes it. @param {string} [typed] what was typed before it opened */
export function openPalette(typed = '') {
  if (opened) {
    opened.close();
    return;
  }
  // What the page offers depends on where the focus is, which the palette takes.
  const offered = commands().filter(({ isQuiet }) => !isQuiet);
  const here = offered.filter(({ group }) => group !== DOCUMENTS_GROUP);
  const listed = offered.filter(({ group }) => group === DOCUMENTS_GROUP);
  const list = h('div', { role: 'listbox', id: 'quick-list', 'aria-label': 'Documents and commands' });
  const said = h('p', { class: 'quick-said', role: 'status' });
  const input = h('input', {
    type: 'text',
    role: 'combobox',
    'aria-label': 'Search documents and commands',
    'aria-expanded': 'true',
    'aria-controls': 'quick-list',
    'aria-autocomplete': 'list',
    placeholder: 'Find documents and commands…',
    autocomplete: 'off',
    spellcheck: 'false',
    value: typed,
  });
  const dialog = h(
    'dialog',
    { class: 'quick', 'aria-label': 'Search and commands' },
    h('div', { class: 'quick-box' }, icon('search'), input),
    list,
    said,
  );
  /** @type {HTMLElement[]} */
  let options = [];
  let at = 0;
  const choose = (/** @type {number} */ index) => {
    if (options.length === 0) return;
    at = (index + options.length) % options.length;
    options.forEach((each, position) => each.setAttribute('aria-selected', String(position === at)));
    input.setAttribute('aria-activedescendant', `quick-${at}`);
    options[at].scrollIntoView({ block: 'nearest' });
  };
  /** @param {Command} command */
  const run = (command) => () => {
    if (command.group !== DOCUMENTS_GROUP) remember(command.label);
    dialog.close();
    command.act?.();
  };
  /** @param {Group[]} groups */
  const show = (groups) => {
    options = [];
    const shown = groups
      .filter(({ entries }) => entries.length > 0)
      .map(({ name, entries }, number) =>
        h(
          'div',
          { role: 'group', 'aria-labelledby': `quick-group-${number}` },
          h('p', { id: `quick-group-${number}`, class: 'quick-group', role: 'presentation' }, name),
          ...entries.map((entry) => {
            const made = option(entry, options.length, run(entry));
            options.push(made);
            return made;
          }),
        ),
      );
    list.replaceChildren(...shown);
    list.hidden = options.length === 0;
    if (options.length === 0) input.removeAttribute('aria-activedescendant');
    choose(0);
  };
  /** @type {Command[]} */
  let general = [];
  /** @type {{ asked: string, docs: Doc[] }} */
  let last = { asked: '', docs: [] };
  const draw = () => {
    const asked = input.value.trim();
    const docs = asked === last.asked ? last.docs : last.docs.filter((doc) => match(asked, titleOf(doc)));
    const found = docs.map(documentCommand);
    const others = asked ? listed.filter(({ href }) => found.every((each) => each.href !== href)) : [];
    const entries = [...found, ...others.filter(({ label }) => match(asked, label))].map((command) => {
      const { at: letters, score } = match(asked, command.label) ?? { at: [], score: 0 };
      return { ...command, at: letters, score };
    });
    if (asked) entries.sort((one, other) => other.score - one.score);
    const documents = { name: asked ? DOCUMENTS_GROUP : 'Opened lately', entries: entries.slice(0, DOCUMENTS) };
    const groups = fitting(asked, [...here, ...general]);
    const [best] = groups.flatMap((group) => group.entries);
    // A command that has the letters in one piece is meant more likely than a document that has them somewhere.
    const isCommand = Boolean(asked && best && best.label.toLowerCase().startsWith(asked.toLowerCase()));
    const text = {
      label: `Search all texts for “${asked}”`,
      group: 'Search',
      icon: /** @type {const} */ ('search'),
      href: `/?q=${encodeURIComponent(asked)}&in=all`,
      at: [],
      score: 0,
    };
    const ordered = !asked || isCommand ? [...groups, documents] : [documents, ...groups];
    if (!asked)
      ordered.sort((one, other) => Number(other.name === documents.name) - Number(one.name === documents.name));
    show(asked ? [...ordered, { name: 'Search', entries: [text] }] : ordered);
    setText(said, asked ? `${counted(options.length - 1, 'result')}` : '');
  };
  const ask = debounced(120, async () => {
    const asked = input.value.trim();
    const docs = await findDocuments(asked);
    if (asked !== input.value.trim() || !dialog.isConnected) return;
    const chosen = at;
    last = { asked, docs };
    draw();
    if (chosen > 0) choose(Math.min(chosen, options.length - 1));
  });
  input.addEventListener('input', () => {
    draw();
    ask();
  });
  input.addEventListener('keydown', (event) => {
    const page = 6;
    /** @type {Record<string, number>} */
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1 };
    if (event.key in steps) choose(steps[event.key]);
    else if (event.key === 'PageDown') choose(Math.min(at + page, options.length - 1));
    else if (event.key === 'PageUp') choose(Math.max(at - page, 0));
    else if (event.key === 'Enter') options[at]?.click();
    else return;
    event.preventDefault();
  });
  dialog.addEventListener('pointerdown', ({ target }) => {
    if (target === dialog) dialog.close();
  });
  dialog.addEventListener('close', () => {
    dialog.remove();
    opened = null;
  });
  document.body.append(dialog);
  opened = dialog;
  dialog.showModal();
  input.focus();
  input.setSelectionRange(typed.length, typed.length);
  draw();
  ask();
  generalCommands().then((found) => {
    general = found;
    if (dialog.isConnected) draw();
  });
}
