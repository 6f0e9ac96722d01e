/**
 * The browser's own copy of a document, so that a reload while offline or a crashed tab loses nothing. It is kept
 * under the document's id, never its name: text of a deleted document must not flow into a new one of the same name.
 */
import { IndexeddbPersistence, clearDocument } from 'y-indexeddb';
import { memory } from '../lib/identity.js';
import { currentAccount, forgetCopy } from '../lib/kept-answers.js';

const OPEN_WITHIN = 3000;
/** @param {string} id */
const storeName = (id) => `collab:${id}`;

/**
 * Takes the copy of a document for the account. A copy of another account is deleted. One that holds text of that account
 * which has not reached the server stays, and nobody else gets a copy until then.
 * @param {string} id
 */
async function takeCopy(id) {
  const account = await currentAccount();
  const owner = memory.get(`copy:${id}`);
  if (owner !== null && owner !== 'guest' && owner !== account) {
    if (memory.get(`unsent:${id}`) !== null) return false;
    forgetCopy(id);
  }
  memory.set(`copy:${id}`, account ?? 'guest');
  return true;
}

/**
 * Whether the browser offers storage.
 * @param {string} name of a database
 * @returns {Promise<boolean>}
 */
function available(name) {
  return new Promise((resolve) => {
    let request;
    try {
      request = indexedDB.open(name);
    } catch {
      return resolve(false);
    }
    request.onerror = () => resolve(false);
    request.onblocked = () => resolve(false);
    request.onsuccess = () => {
      request.result.close();
      resolve(true);
    };
  });
}

/**
 * Loads the copy of document `id` into `doc` and keeps it current.
 * @param {string} id
 * @param {import('yjs').Doc} doc
 * @param {{kept: () => void, failed: () => void}} watch kept: every edit so far is in the copy; failed: no longer kept
 * @returns {Promise<{discard: () => Promise<void>} | null>} null when this browser offers no storage
 */
export async function openLocalCopy(id, doc, watch) {
  if (!(await takeCopy(id)) || !(await available('collab'))) return null;
  const copy = new IndexeddbPersistence(storeName(id), doc);
  const opened = copy.whenSynced.then(() => true);
  const late = new Promise((resolve) => {
    setTimeout(resolve, OPEN_WITHIN, false);
  });
  if (!(await Promise.race([opened, late]))) {
    copy.destroy();
    return null;
  }
  const { db } = copy;
  if (!db) return null;
  let failed = false;
  const fail = () => {
    failed = true;
    watch.failed();
  };
  db.addEventListener('abort', fail);
  db.addEventListener('close', fail);
  // The person has signed out in another page, which deletes the copy.
  db.addEventListener('versionchange', () => {
    fail();
    db.close();
  });

  let edits = 0;
  doc.on('update', (_update, _origin, _doc, { local }) => {
    if (!local || failed) return;
    edits += 1;
    const edit = edits;
    try {
      // A later transaction on the same store completes after the ones before it: this one marks the edit as kept.
      const transaction = db.transaction(['updates'], 'readwrite');
      transaction.objectStore('updates').count();
      transaction.oncomplete = () => {
        if (edit === edits && !failed) watch.kept();
      };
    } catch {
      fail();
    }
  });
  return {
    async discard() {
      failed = true;
      memory.set(`copy:${id}`, null);
      memory.set(`unsent:${id}`, null);
      await copy.destroy();
      await clearDocument(storeName(id));
    },
  };
}
