/**
 * A WebSocket that reports to `watch`: content messages that it sends, confirmations that it receives, its opening and its
 * end. It is given to the stock y-websocket provider as the WebSocket class.
 */

const SYNC = 0;
const SYNC_STEP_2 = 1;
const UPDATE = 2;
const AUTH = 2;
export const COMMITTED = 8;
export const LIVE_EVENT = 9;

/**
 * Reads the varUint at `position` of `frame` (at most 2^53 - 1); -1 when the frame ends inside it.
 * @param {Uint8Array} frame
 * @param {number} position
 */
export function varUintAt(frame, position) {
  let value = 0;
  for (let scale = 1; position < frame.length && scale <= 2 ** 49; scale *= 128) {
    const byte = frame[position++];
    value += (byte & 127) * scale;
    if (byte < 128) return value;
  }
  return -1;
}

/**
 * @typedef {{ opened: () => void, answered: () => void, sent: () => void, committed: (count: number) => void,
 *   refused: () => void, closed: (code: number, reason: string) => void }} Watch
 */

/**
 * @param {Watch} watch
 * @param {typeof WebSocket} Base
 * @returns {typeof WebSocket}
 */
export function watchedWebSocket(watch, Base) {
  /** @type {WebSocket | null} */
  let newest = null;
  return class WatchedWebSocket extends Base {
    /**
     * @param {string | URL} url
     * @param {string | string[]} [protocols]
     */
    constructor(url, protocols) {
      super(url, protocols);
      newest = this;
      const current = (/** @type {(event: any) => void} */ act) => (/** @type {Event} */ event) =>
        newest === this && act(event);
      this.addEventListener(
        'open',
        current(() => watch.opened()),
      );
      this.addEventListener(
        'message',
        current(({ data }) => {
          if (!(data instanceof ArrayBuffer)) return;
          const frame = new Uint8Array(data);
          if (frame[0] === COMMITTED) watch.committed(varUintAt(frame, 1));
          else if (frame[0] === AUTH) watch.refused();
        }),
      );
      this.addEventListener(
        'close',
        current(({ code, reason }) => {
          newest = null;
          watch.closed(code, reason);
        }),
      );
    }

    /**
     * @override
     * @param {any} frame
     */
    send(frame) {
      super.send(frame);
      if (newest !== this || frame[0] !== SYNC) return;
      if (frame[1] === SYNC_STEP_2) watch.answered();
      else if (frame[1] === UPDATE) watch.sent();
    }

    /**
     * @override
     * @param {number} [code]
     * @param {string} [reason]
     */
    close(code, reason) {
      super.close(code, reason);
      if (newest !== this) return;
      newest = null;
      watch.closed(1000, '');
    }
  };
}
