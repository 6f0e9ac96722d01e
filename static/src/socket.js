/**
 * A WebSocket that tells `watch` what passes: content messages that leave, confirmations that arrive, its opening and
 * its end. Handed to the y-websocket provider as its WebSocket class, so the provider itself stays the stock one.
 */

const SYNC = 0;
const SYNC_STEP_2 = 1;
const UPDATE = 2;
const AUTH = 2;
export const COMMITTED = 8;

/** @returns {number} the varUint at `position` of `frame` (at most 2^53 - 1), or -1 when the frame ends inside it */
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
 * @param {{opened: () => void, answered: () => void, sent: () => void, committed: (count: number) => void,
 *   refused: () => void, closed: (code: number, reason: string) => void}} watch
 * @param {typeof WebSocket} Base
 */
export function watchedWebSocket(watch, Base) {
  let newest = null;
  return class WatchedWebSocket extends Base {
    constructor(url, protocols) {
      super(url, protocols);
      newest = this;
      const current = (act) => (event) => newest === this && act(event);
      this.addEventListener('open', current(() => watch.opened()));
      this.addEventListener('message', current(({ data }) => {
        if (!(data instanceof ArrayBuffer)) return;
        const frame = new Uint8Array(data);
        if (frame[0] === COMMITTED) watch.committed(varUintAt(frame, 1));
        else if (frame[0] === AUTH) watch.refused();
      }));
      this.addEventListener('close', current(({ code, reason }) => {
        newest = null;
        watch.closed(code, reason);
      }));
    }

    send(frame) {
      super.send(frame);
      if (newest !== this || frame[0] !== SYNC) return;
      if (frame[1] === SYNC_STEP_2) watch.answered();
      else if (frame[1] === UPDATE) watch.sent();
    }

    close(code, reason) {
      super.close(code, reason);
      if (newest !== this) return;
      newest = null;
      watch.closed(1000, '');
    }
  };
}
