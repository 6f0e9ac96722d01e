/** The people in the documents of a workspace: read anew when live events say that somebody came or left. */
import * as api from '../lib/api.js';

/** @import { DocumentPresence, Page, PresenceEvent } from '../lib/types.js' */

/** Documents of one answer. */
const LIMIT = 500;

/** Milliseconds between the end of a request and the next one, and a random part: all open lists get the same event. */
const PAUSE = 2000;
const SPREAD = 2000;

const pauseAtRandom = () => new Promise((resolve) => setTimeout(resolve, PAUSE + Math.random() * SPREAD));

/** The first event is answered at once. Events that arrive during the request or the pause after it cause one more. */
export class PresenceFollower {
  /**
   * @param {object} options
   * @param {string} options.workspace the id of the workspace
   * @param {(present: DocumentPresence[]) => void} options.show
   * @param {() => Promise<Page<DocumentPresence>>} [options.fetchPresence]
   * @param {() => Promise<unknown>} [options.pause]
   */
  constructor({
    workspace,
    show,
    fetchPresence = () => api.workspacePresence(workspace, { limit: LIMIT }),
    pause = pauseAtRandom,
  }) {
    this.workspace = workspace;
    this.show = show;
    this.fetchPresence = fetchPresence;
    this.pause = pause;
    this.isReading = false;
    /** Whether somebody may have come or left since the request began. */
    this.isStale = false;
  }

  /** Changes of documents say nothing about people. */
  apply() {}

  resync() {
    this.read();
  }

  /** @param {PresenceEvent | null} event */
  presenceChanged(event) {
    if (!event || event.workspace_id === this.workspace) this.read();
  }

  async read() {
    this.isStale = true;
    if (this.isReading) return;
    this.isReading = true;
    while (this.isStale) {
      this.isStale = false;
      try {
        this.show((await this.fetchPresence()).items);
      } catch {
        // The list itself shows what is wrong.
      }
      await this.pause();
    }
    this.isReading = false;
  }
}
