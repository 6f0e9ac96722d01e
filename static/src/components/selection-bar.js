/** What can be done with several documents at once: a bar at the foot of the list while some are selected. */
import { effect } from '@preact/signals';
import * as api from '../lib/api.js';
import { mayDelete, mayEdit } from '../lib/document-types.js';
import { $, find, h, setText } from '../lib/dom.js';
import { counted } from '../lib/format.js';
import { RequestError } from '../lib/request.js';
import { confirmDialog, formDialog } from './dialog.js';
import { workspaceTargets } from './document-menu.js';
import { tagField, tagsIn } from './document-tags.js';
import { icon } from './icons.js';
import { toast } from './toast.js';

/** @import { Doc, Workspace } from '../lib/types.js' */
/** @import { IconName } from './icons.js' */
/** @import { Selection } from './selection.js' */

/** `reload`: reads the list again. @typedef {{ workspaces: Workspace[], reload: () => void, drop: (id: string) => void }} BulkContext */
/** @typedef {{ label: string, icon: IconName, key?: string, danger?: boolean, act: () => Promise<unknown> }} Action */

/** Requests at the same time. */
const AT_ONCE = 4;

/**
 * Does something with each document, though it may fail with others.
 * @param {Doc[]} docs
 * @param {(doc: Doc) => boolean} isAllowed
 * @param {(doc: Doc) => Promise<unknown>} act
 * @returns {Promise<{ done: Doc[], left: string }>} `left`: a sentence about those with which it was not done
 */
async function withEach(docs, isAllowed, act) {
  const waiting = docs.filter(isAllowed);
  const refused = docs.length - waiting.length;
  /** @type {Doc[]} */
  const done = [];
  /** @type {string[]} */
  const problems = [];
  const work = async () => {
    for (let doc = waiting.shift(); doc; doc = waiting.shift()) {
      try {
        await act(doc);
        done.push(doc);
      } catch (error) {
        if (!(error instanceof RequestError)) throw error;
        problems.push(error.message);
      }
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  const left = [
    refused > 0 &&
      ` ${counted(refused, 'document')} stayed, because you may not change ${refused === 1 ? 'it' : 'them'}.`,
    problems.length > 0 && ` ${counted(problems.length, 'document')} could not be changed: ${problems[0]}`,
  ];
  return { done, left: left.filter(Boolean).join('') };
}

/** @param {Selection} selection */
function actionsOf(selection) {
  const { context, store } = selection;
  const docs = () => selection.docs.peek();
  const some = () => counted(docs().length, 'document');
  /**
   * @param {(doc: Doc) => boolean} isAllowed
   * @param {(doc: Doc) => Promise<unknown>} act
   * @param {(count: string) => string} said
   * @param {{ leaves?: boolean, undo?: (doc: Doc) => Promise<unknown> }} [options] `leaves`: they are not in this list afterwards
   */
  const carryOut = async (isAllowed, act, said, { leaves = false, undo } = {}) => {
    const { done, left } = await withEach(docs(), isAllowed, act);
    if (leaves) for (const { id } of done) context.drop(id);
    else context.reload();
    selection.clear();
    const back = async () => {
      const { left: kept } = await withEach(done, () => true, undo ?? act);
      if (kept) toast(kept.trim());
      context.reload();
    };
    const text = done.length > 0 ? said(counted(done.length, 'document')) : 'Nothing was changed.';
    toast(text + left, undo && done.length > 0 ? { verb: 'Undo', act: back } : undefined);
  };

  // A message would leave with the dialog that is still open: each of these asks first, and acts when it is closed.
  const addTags = async () => {
    const given = await formDialog({
      title: `Add tags to ${some()}`,
      fields: [await tagField({ workspace_id: docs()[0].workspace_id, tags: [] })],
      verb: 'Add tags',
      act: ({ tags }) => tagsIn(tags),
    });
    if (!given) return;
    const own = (/** @type {Doc} */ doc) => (doc.tags ?? []).map(({ name }) => name);
    await carryOut(
      mayEdit,
      (doc) => api.setTags(doc.id, [...new Set([...own(doc), ...given])]),
      (count) => `Tags were added to ${count}.`,
      { undo: (doc) => api.setTags(doc.id, own(doc)) },
    );
  };

  const setCategory = async () => {
    const workspace = docs()[0].workspace_id;
    const { items } = await api.categories(workspace).catch(() => ({ items: [] }));
    if (items.length === 0) {
      toast('This workspace has no categories.');
      return;
    }
    const given = await formDialog({
      title: `Category of ${some()}`,
      fields: [
        {
          name: 'category',
          label: 'Category',
          type: 'select',
          options: [['', 'None'], ...items.map(({ id, name }) => /** @type {[string, string]} */ ([id, name]))],
        },
      ],
      verb: 'Set category',
      act: (values) => values,
    });
    if (!given) return;
    await carryOut(
      (doc) => mayEdit(doc) && doc.workspace_id === workspace,
      (doc) => api.changeDocument(doc.id, { category_id: given.category || null }),
      (count) => `The category of ${count} was changed.`,
      { undo: (doc) => api.changeDocument(doc.id, { category_id: doc.category_id ?? null }) },
    );
  };

  const move = async () => {
    const targets = workspaceTargets(context.workspaces, docs()[0].workspace_id);
    if (targets.length === 0) {
      toast('There is no other workspace in which you may create documents.');
      return;
    }
    const given = await formDialog({
      title: `Move ${some()}`,
      intro: 'Only members of the new workspace can open them there.',
      fields: [{ name: 'workspace', label: 'To workspace', type: 'select', value: targets[0][0], options: targets }],
      verb: 'Move',
      act: (values) => values,
    });
    if (!given) return;
    await carryOut(
      mayDelete,
      (doc) => api.move(doc.id, given.workspace),
      (count) => `${count} moved.`,
      { leaves: true, undo: (doc) => api.move(doc.id, doc.workspace_id) },
    );
  };

  const trash = () =>
    carryOut(
      mayDelete,
      (doc) => api.trash(doc.id),
      (count) => `${count} in the trash.`,
      { leaves: true, undo: (doc) => api.restore(doc.id) },
    );

  const restore = () =>
    carryOut(
      () => true,
      (doc) => api.restore(doc.id),
      (count) => `${count} restored.`,
      { leaves: true, undo: (doc) => api.trash(doc.id) },
    );

  const destroy = async () => {
    const isSure = await confirmDialog({
      title: `Delete ${some()} forever?`,
      text: 'Their texts and their history are deleted. Nobody can restore them.',
      verb: 'Delete forever',
      act: () => {},
    });
    if (!isSure) return;
    await carryOut(
      mayDelete,
      (doc) => api.deleteForever(doc.id),
      (count) => `${count} deleted forever.`,
      { leaves: true },
    );
  };

  /** @returns {Action[]} */
  return () =>
    store.shownQuery.peek().view === 'trash'
      ? [
          { label: 'Restore', icon: 'restore', act: restore },
          { label: 'Delete forever…', icon: 'trash', key: 'Delete', danger: true, act: destroy },
        ]
      : [
          { label: 'Add tags…', icon: 'tag', act: addTags },
          { label: 'Category…', icon: 'filter', act: setCategory },
          { label: 'Move to…', icon: 'move', act: move },
          { label: 'Move to trash', icon: 'trash', key: 'Delete', danger: true, act: trash },
        ];
}

/**
 * Shows the bar while documents are selected.
 * @param {Selection} selection
 */
export function showSelectionBar(selection) {
  const actions = actionsOf(selection);
  const said = h('span', { class: 'selection-count' });
  const buttons = h('div', { class: 'selection-actions' });
  const bar = h(
    'div',
    { class: 'selection-bar', role: 'toolbar', 'aria-label': 'Selected documents' },
    said,
    buttons,
    h(
      'button',
      { class: 'icon-button', type: 'button', 'aria-label': 'Select nothing', onclick: () => selection.clear() },
      icon('close'),
    ),
  );
  let shown = '';
  effect(() => {
    const count = selection.docs.value.length;
    const isAny = count > 0;
    if (isAny && !bar.isConnected) document.body.append(bar);
    else if (!isAny && bar.isConnected) {
      const hadFocus = bar.contains(document.activeElement);
      bar.remove();
      if (hadFocus) (find(document, '#list a.row, #list input') ?? $('filter')).focus();
    }
    const text = isAny ? `${count} selected` : '';
    setText(said, text);
    setText($('announcer'), text);
    const view = selection.store.shownQuery.value.view;
    if (shown === view) return;
    shown = view;
    const present = actions();
    buttons.replaceChildren(
      ...present.map(({ label, icon: name, act, danger }) =>
        h(
          'button',
          { class: danger ? 'button small danger' : 'button small', type: 'button', title: label, onclick: act },
          icon(name),
          h('span', {}, label),
        ),
      ),
    );
    selection.actions = present.map(({ label, icon: name, act, danger, key }) => ({
      label: `Selected: ${label}`,
      group: 'List of documents',
      icon: name,
      act,
      danger,
      keys: key ? [key] : undefined,
      isHeard: key !== undefined,
    }));
  });
}
