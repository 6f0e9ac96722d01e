/** The menu of a document: rename, tag, describe, copy, move, leave, delete. */
import { pageOf } from '../lib/addresses.js';
import * as api from '../lib/api.js';
import { mayDelete, mayEdit, titleOf } from '../lib/document-types.js';
import { confirmDialog, copied, formDialog } from './dialog.js';
import { detailsDialog } from './document-details.js';
import { tagsDialog } from './document-tags.js';
import { downloadDialog } from './file-dialogs.js';
import { leaveDialog } from './share-leave.js';
import { toast, tryTo } from './toast.js';

/** @import { Items } from './menu.js' */
/** @import { Doc, Workspace } from '../lib/types.js' */

/** @param {Doc} doc */
export const renameDialog = (doc) =>
  formDialog({
    title: 'Rename document',
    fields: [
      { name: 'title', label: 'Title', value: titleOf(doc), required: true, maxlength: 200, autocomplete: 'off' },
    ],
    verb: 'Rename',
    act: ({ title }) => api.rename(doc.id, title),
  });

/**
 * The workspaces to which documents of another one can be moved: ids and names.
 * @param {Workspace[]} workspaces
 * @param {string} from the id of the present one
 */
export const workspaceTargets = (workspaces, from) =>
  workspaces
    .filter(({ id, can_create: may, archived_at: archived }) => id !== from && may && !archived)
    .map(({ id, name }) => /** @type {[string, string]} */ ([id, name]));

/**
 * @param {Doc} doc
 * @param {Workspace[]} workspaces
 */
export async function moveDialog(doc, workspaces) {
  const targets = workspaceTargets(workspaces, doc.workspace_id);
  if (targets.length === 0) {
    toast('There is no other workspace in which you may create documents.');
    return null;
  }
  return formDialog({
    title: `Move “${titleOf(doc)}”`,
    intro: 'Only members of the new workspace can open it there.',
    fields: [
      {
        name: 'workspace',
        label: 'To workspace',
        type: 'select',
        value: targets[0][0],
        options: targets,
      },
    ],
    verb: 'Move',
    act: ({ workspace }) => api.move(doc.id, workspace),
  });
}

/** @param {Doc} doc */
export const destroyDialog = (doc) =>
  confirmDialog({
    title: `Delete “${titleOf(doc)}” forever?`,
    text: 'Its text and its history are deleted. Nobody can restore them.',
    verb: 'Delete forever',
    act: () => api.deleteForever(doc.id),
  });

/**
 * Moves a document to the trash.
 * @param {Doc} doc
 * @param {() => void} [onUndo] called after the document was restored
 */
async function moveToTrash(doc, onUndo) {
  if (!(await tryTo(() => api.trash(doc.id).then(() => true)))) return false;
  toast(`“${titleOf(doc)}” is in the trash.`, {
    verb: 'Undo',
    act: async () => {
      if (await tryTo(() => api.restore(doc.id))) onUndo?.();
    },
  });
  return true;
}

/**
 * The items of a document's menu.
 * @param {Doc} doc
 * @param {object} on
 * @param {() => Workspace[]} on.workspaces
 * @param {(doc: Doc) => void} on.changed
 * @param {(id: string) => void} on.gone the document was moved, left or deleted
 * @param {() => void} on.back the document was restored
 * @param {(doc: Doc) => void} on.made a copy was created
 * @param {boolean} on.isShared the document is shared with the person, who may leave it
 * @returns {Items}
 */
export function documentMenu(doc, on) {
  /**
   * @template T
   * @param {() => Promise<T | null | undefined>} act
   * @param {(result: T) => void} next called unless the act was dismissed or refused
   */
  const then = (act, next) => async () => {
    const result = await act();
    if (result) next(result);
  };
  /**
   * @param {object} options
   * @param {string} text
   */
  const copy = (options, text) =>
    then(
      () => tryTo(() => api.duplicate(doc.id, options)),
      (made) => {
        toast(text, { verb: 'Open', act: () => location.assign(pageOf(made.address)) });
        on.made(made);
      },
    );
  const home = on.workspaces().find(({ id }) => id === doc.workspace_id);
  const edits = mayEdit(doc);
  return [
    edits && { label: 'Rename…', icon: 'pencil', act: then(() => renameDialog(doc), on.changed) },
    home && edits && { label: 'Tags…', icon: 'tag', act: then(() => tagsDialog(doc), on.changed) },
    {
      label: edits ? 'Details…' : 'Details',
      icon: 'info',
      act: then(() => detailsDialog(doc, { inside: home !== undefined }), on.changed),
    },
    {
      label: 'Copy link',
      icon: 'link',
      act: async () =>
        toast((await copied(location.origin + pageOf(doc.address))) ? 'Link copied.' : 'The browser refused to copy.'),
    },
    doc.type !== 'password' && { label: 'Download…', icon: 'download', act: () => downloadDialog(doc) },
    (home?.can_create || edits) && 'line',
    home?.can_create && { label: 'Duplicate', icon: 'copy', act: copy({}, `A copy of “${titleOf(doc)}” was made.`) },
    home?.can_create &&
      !doc.is_template && {
        label: 'Save as template',
        icon: 'template',
        act: copy({ as_template: true, title: titleOf(doc) }, 'Saved as a template.'),
      },
    mayDelete(doc) && {
      label: 'Move to…',
      icon: 'move',
      act: then(
        () => moveDialog(doc, on.workspaces()),
        () => on.gone(doc.id),
      ),
    },
    (on.isShared || mayDelete(doc)) && 'line',
    on.isShared && {
      label: 'Leave…',
      icon: 'leave',
      act: then(
        () => leaveDialog(doc),
        () => on.gone(doc.id),
      ),
    },
    mayDelete(doc) && {
      label: 'Move to trash',
      icon: 'trash',
      danger: true,
      act: then(
        () => moveToTrash(doc, on.back),
        () => on.gone(doc.id),
      ),
    },
  ];
}
