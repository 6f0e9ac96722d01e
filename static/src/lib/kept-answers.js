/**
 * Answers of the API that this browser keeps, so that pages start without a network: who the person is, their workspaces,
 * and the details of documents that they have opened. They are kept for one account, and shown to nobody else. A page that
 * was opened by a link keeps nothing.
 */
import { memory } from './identity.js';
import { hasLink, isUnreachable, statusOf } from './request.js';

/** @import { CurrentUser, Doc, Workspace } from './types.js' */

/**
 * Milliseconds. `at`: when the document was open; `checked`: when the server last answered that it may be read. `address`:
 * where it was opened.
 * @typedef {{ doc: Doc, address: string, at: number, checked?: number }} KeptDocument
 */

const DOCUMENTS = 100;
/** Milliseconds until the server is asked again whether a document may still be kept; documents asked for at one time. */
const CHECK_AFTER = 24 * 3600 * 1000;
const CHECKED = 10;
/** Characters. Of a document with more details only those are kept that pages need. */
const LONG = 20000;
const DOCUMENT = 'document:';
const GONE = new Set([403, 404]);
const PREFIX = 'collab:';
/** The commands that the person used lately, whose labels may have names of workspaces. */
export const USED_COMMANDS = 'commands';

/** @param {string} prefix of keys of `memory` @returns {string[]} what follows it in these keys */
function keysWith(prefix) {
  const whole = PREFIX + prefix;
  try {
    return Object.keys(localStorage).flatMap((key) => (key.startsWith(whole) ? [key.slice(whole.length)] : []));
  } catch {
    return [];
  }
}

/** @param {{ kind: string, id: string | null }} who */
const accountOf = ({ kind, id }) => (kind === 'user' && id ? id : 'guest');

/** Whose answers this page keeps and shows. null: nobody's. */
let account = memory.get('account');
/** @type {() => void} */
let told = () => {};
const isTold = new Promise((/** @type {(_: void) => void} */ resolve) => {
  told = resolve;
});

/** Another page may have signed out meanwhile, or signed somebody else in. */
const isCurrent = () => account !== null && memory.get('account') === account && !hasLink();

/** @param {string} key */
const keyOf = (key) => `kept:${account}:${key}`;

/** @param {string} key */
function find(key) {
  if (!isCurrent()) return null;
  try {
    return JSON.parse(memory.get(keyOf(key)) ?? 'null');
  } catch {
    return null;
  }
}

/** @param {string} key @param {object | null} answer */
function keep(key, answer) {
  if (isCurrent()) memory.set(keyOf(key), answer && JSON.stringify(answer));
}

/** The account whose copies of documents this page opens, once it is known; null for nobody. */
export async function currentAccount() {
  await isTold;
  return account;
}

/** @param {string} owner @param {boolean} [isSelected] */
function forgetAnswers(owner, isSelected = true) {
  if (isSelected) for (const key of keysWith(`kept:${owner}:`)) memory.set(`kept:${owner}:${key}`, null);
}

const owners = () => new Set(keysWith('kept:').map((key) => key.split(':')[0]));

/** The documents whose copies hold text that the server has not confirmed. */
const unsentDocuments = () => keysWith('unsent:');

/** The documents of the account that hold text which the server has not confirmed. */
export const ownUnsent = () => unsentDocuments().filter((id) => memory.get(`copy:${id}`) === account);

/** @param {string} id of a document */
export const isUnsent = (id) => memory.get(`unsent:${id}`) !== null && memory.get(`copy:${id}`) === account;

/**
 * Deletes a browser's copy of a document, and what is known of it. An open page gives it up.
 * @param {string} id
 */
export function forgetCopy(id) {
  for (const key of ['copy', 'generation', 'unsent', 'visit']) memory.set(`${key}:${id}`, null);
  for (const address of keysWith('id:')) if (memory.get(`id:${address}`) === id) memory.set(`id:${address}`, null);
  try {
    indexedDB.deleteDatabase(`collab:${id}`);
  } catch {
    // This browser offers no storage: there is no copy.
  }
}

/**
 * Deletes the copies that `isSelected` has chosen by their owner. Those with text that the server has not confirmed stay.
 * @param {(owner: string) => boolean} isSelected
 */
function forgetCopies(isSelected) {
  const unsent = new Set(unsentDocuments());
  for (const id of keysWith('copy:')) if (!unsent.has(id) && isSelected(memory.get(`copy:${id}`) ?? '')) forgetCopy(id);
}

/**
 * Deletes what this browser keeps of the account: after signing out.
 * @param {{ unsentToo?: boolean }} [options] `unsentToo`: also text that has not reached the server
 */
export function forgetAccount({ unsentToo = false } = {}) {
  const owner = memory.get('account');
  memory.set('account', null);
  memory.set(USED_COMMANDS, null);
  if (!owner) return;
  forgetAnswers(owner);
  if (unsentToo)
    for (const id of unsentDocuments()) if (memory.get(`copy:${id}`) === owner) memory.set(`unsent:${id}`, null);
  forgetCopies((each) => each === owner);
}

/**
 * Notes who uses this browser. What is kept of others is deleted, except text that has not reached the server.
 * @param {CurrentUser | null} who null: nobody is signed in
 */
function noteAccount(who) {
  account = who && accountOf(who);
  if (memory.get('account') !== account) memory.set(USED_COMMANDS, null);
  memory.set('account', account);
  for (const owner of owners()) forgetAnswers(owner, owner !== account);
  if (who?.kind === 'user') forgetCopies((owner) => owner !== account && owner !== 'guest');
  told();
}

/**
 * Who the person is: as the server answers, or as it answered last where it cannot be reached.
 * @param {() => Promise<CurrentUser>} ask
 */
export async function keptPerson(ask) {
  try {
    const who = await ask();
    if (!hasLink()) noteAccount(who);
    else account = accountOf(who);
    keep('me', { ...who, csrf_token: null });
    return who;
  } catch (error) {
    if (statusOf(error) === 401) noteAccount(null);
    const who = isUnreachable(error) ? find('me') : null;
    if (who) return /** @type {CurrentUser} */ (who);
    throw error;
  } finally {
    told();
  }
}

/**
 * The workspaces of the person: as the server answers, or as it answered last.
 * @param {() => Promise<import('./types.js').Page<Workspace>>} ask
 */
export async function keptWorkspaces(ask) {
  try {
    const found = await ask();
    keep('workspaces', found);
    return found;
  } catch (error) {
    const found = isUnreachable(error) ? find('workspaces') : null;
    if (found) return /** @type {import('./types.js').Page<Workspace>} */ (found);
    throw error;
  }
}

/** @returns {KeptDocument[]} those that were opened last come first */
export function keptDocuments() {
  if (!isCurrent()) return [];
  const found = keysWith(keyOf(DOCUMENT)).map((id) => /** @type {KeptDocument | null} */ (find(DOCUMENT + id)));
  return found.filter((each) => each !== null).sort((one, other) => other.at - one.at);
}

/** @param {string} address */
const findDocument = (address) =>
  keptDocuments().find(({ doc, address: own }) => own === address || doc.id === address || doc.address === address);

/**
 * Keeps the details of a document that is open.
 * @param {Doc} doc
 * @param {string} address
 */
export function keepDocument(doc, address) {
  const known = find(DOCUMENT + doc.id);
  const shown = JSON.stringify(doc).length > LONG ? { ...doc, metadata: {}, description: '' } : doc;
  const own = address === doc.id && known ? known.address : address;
  keep(DOCUMENT + doc.id, { doc: shown, address: own, at: Date.now() });
  for (const old of keptDocuments().slice(DOCUMENTS)) keep(DOCUMENT + old.doc.id, null);
}

/**
 * Forgets a document that the person may not open any more. Text that has not reached the server stays.
 * @param {string} id
 */
export function forgetDocument(id) {
  if (memory.get(`copy:${id}`) === account && memory.get(`unsent:${id}`) === null) forgetCopy(id);
  keep(DOCUMENT + id, null);
}

/**
 * The details of a document: as the server answers, or as they were kept. Where it refuses the document, that is forgotten.
 * @param {string} address
 * @param {() => Promise<Doc>} ask
 */
export async function keptDocument(address, ask) {
  try {
    return await ask();
  } catch (error) {
    const known = findDocument(address);
    if (known && isUnreachable(error)) return known.doc;
    if (known && GONE.has(statusOf(error) ?? 0)) forgetDocument(known.doc.id);
    throw error;
  }
}

/**
 * Asks for kept documents that the server was not asked for since yesterday. Those that it refuses are forgotten.
 * @param {(id: string) => Promise<Doc>} ask
 */
export async function checkKeptDocuments(ask) {
  const now = Date.now();
  const old = keptDocuments().filter(({ at, checked = at }) => now - checked > CHECK_AFTER);
  for (const known of old.slice(-CHECKED)) {
    try {
      await keptDocument(known.doc.id, () => ask(known.doc.id));
      keep(DOCUMENT + known.doc.id, { ...known, checked: now });
    } catch (error) {
      if (!GONE.has(statusOf(error) ?? 0)) return;
    }
  }
}
