/** The one stream of live events of a page. */
import { LiveEvents } from './live-events.js';

/** @type {LiveEvents | null} */
let events = null;

/** Begins the stream at the first call. */
export function pageEvents() {
  if (!events) {
    events = new LiveEvents();
    events.start();
  }
  return events;
}
