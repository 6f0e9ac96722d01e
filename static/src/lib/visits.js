/** When a person last had a document open, kept in this browser for people without an account. */
import { memory } from './identity.js';

/** Milliseconds. Who comes back sooner goes on with the same visit. */
const PAUSE = 300000;

/**
 * Milliseconds. `previous`: the end of the visit before this one.
 * @typedef {{ seen: number, previous: number | null }} Visit
 */

/**
 * The visits after a document was opened.
 * @param {Visit | null} known
 * @param {number} now
 * @returns {Visit}
 */
export const opened = (known, now) => ({
  seen: now,
  previous: known && now - known.seen > PAUSE ? known.seen : (known?.previous ?? null),
});

/** @param {string} document */
const keyOf = (document) => `visit:${document}`;

/**
 * @param {string} document
 * @returns {Visit | null}
 */
function recall(document) {
  try {
    const { seen, previous } = JSON.parse(memory.get(keyOf(document)) ?? 'null') ?? {};
    return Number.isFinite(seen) ? { seen, previous: Number.isFinite(previous) ? previous : null } : null;
  } catch {
    return null;
  }
}

/** @param {string} document @param {Visit} visit */
const keep = (document, visit) => memory.set(keyOf(document), JSON.stringify(visit));

/**
 * Notes that a document is open until the page is left. Returns when the visit before this one ended.
 * @param {string} document
 * @returns {string | null} ISO 8601
 */
export function rememberVisit(document) {
  const visit = opened(recall(document), Date.now());
  keep(document, visit);
  const leave = () => keep(document, { ...visit, seen: Date.now() });
  addEventListener('pagehide', leave);
  globalThis.document.addEventListener('visibilitychange', leave);
  return visit.previous === null ? null : new Date(visit.previous).toISOString();
}
