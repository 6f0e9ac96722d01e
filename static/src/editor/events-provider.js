/**
 * Sends y-websocket's messages over plain HTTP where a proxy blocks WebSockets: the server sends a stream of server-sent
 * events, the client sends POST requests. See GET /api/v1/documents/{id}/events.
 */
import * as encoding from 'lib0/encoding';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { RequestError, request } from '../lib/request.js';
import { COMMITTED, LIVE_EVENT } from './socket.js';

export const LOST = 1006;
/** The message was too large. It must not be sent again. */
const TOO_LARGE = 4413;
/** Close codes by HTTP status. @type {Record<number, number>} */
export const CODES = { 400: 4400, 401: 4401, 403: 4403, 404: 4404, 409: 4409, 413: 1009, 429: 4529, 503: 1013 };
const PATIENCE = 2;
const OPEN_WITHIN = 10000;
const MOST_BYTES = 4e6;
const LONGEST_VECTOR = 4096;

/** @param {string} base64 */
const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
/** @param {Uint8Array} bytes */
const base64Of = (bytes) =>
  btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');

/**
 * @param {{locate: (room: string) => Promise<string>, stateVector: () => Uint8Array}} of locate: the id of the document
 *   that a room's name means; stateVector: what the client has
 * @returns a class that is used like WebSocket, and takes its URLs
 */
export const eventsSocket = ({ locate, stateVector }) =>
  class EventsSocket extends EventTarget {
    /** @param {string | URL} url */
    constructor(url) {
      super();
      this.url = url;
      this.readyState = 0;
      this.OPEN = 1;
      /** @type {Uint8Array[]} */
      this.waiting = [];
      /** @type {Record<string, string>} */
      this.headers = {};
      this.path = '';
      this.stream = '';

      this.isSending = false;
      this.committed = 0;
      this.ending = new AbortController();
      this.listen(new URL(url)).catch((/** @type {{ status: number, code?: string }} */ error) =>
        this.finish(CODES[error.status] ?? LOST, error.code ?? ''),
      );
    }

    /** @param {URL} url */
    async listen(url) {
      const room = decodeURIComponent(url.pathname.split('/').slice(2).join('/'));
      const token = url.searchParams.get('token');
      const share = url.searchParams.get('share');
      this.headers = {
        ...(token && { Authorization: `Bearer ${token}` }),
        ...(share && { 'X-Share-Token': share }),
      };
      this.path = `documents/${await locate(room)}/events`;
      const vector = stateVector();
      const query = vector.length <= LONGEST_VECTOR ? `&state_vector=${base64Of(vector)}` : '';
      const answer = await fetch(`/api/v1/${this.path}?events=true${query}`, {
        headers: { Accept: 'text/event-stream', ...this.headers },
        cache: 'no-store',
        signal: this.ending.signal,
      });
      if (!answer.ok) throw new RequestError(answer.status, (await answer.json().catch(() => ({}))).code ?? '', '');
      if (!answer.body) throw new RequestError(0, 'unreachable', '');
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      let text = '';
      for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
        if (value === undefined) continue;
        text += value;
        // A large document comes in many pieces without a line's end: they are not looked through again and again.
        if (!value.includes('\n')) continue;
        const events = text.split('\n\n');
        text = events.pop() ?? '';
        events.forEach((event) => this.receive(event));
      }
      this.finish(LOST);
    }

    /** @param {string} event */
    receive(event) {
      const field = (/** @type {string} */ name) =>
        event
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2);
      const data = field('data');
      const name = field('event');
      if (data === undefined || this.readyState > 1) return;
      if (name === undefined) this.emit('message', { data: bytesOf(data).buffer });
      else if (name === 'open') {
        const { stream, generation } = JSON.parse(data);
        this.stream = stream;
        this.readyState = 1;
        this.emit('open');
        this.tell(JSON.stringify({ type: 'generation', generation }));
      } else if (name === 'change' || name === 'resync') this.tell(data);
      else if (name === 'role') this.tell(JSON.stringify({ type: 'role', ...JSON.parse(data) }));
      else if (name === 'close') {
        const { code, reason } = JSON.parse(data);
        this.finish(code, reason);
      }
    }

    /**
     * Passes a live event on as a WebSocket would.
     * @param {string} event JSON
     */
    tell(event) {
      const frame = encoding.createEncoder();
      encoding.writeVarUint(frame, LIVE_EVENT);
      encoding.writeVarString(frame, event);
      this.emit('message', { data: encoding.toUint8Array(frame).slice().buffer });
    }

    /** @param {Uint8Array} frame */
    send(frame) {
      // The stream was opened with the client's state vector, and answers this question without being asked.
      if (frame[0] === 0 && frame[1] === 0) return;
      this.waiting.push(frame);
      if (!this.isSending) this.flush();
    }

    /** Sends one request at a time. Frames that are sent meanwhile go with the next one. */
    async flush() {
      this.isSending = true;
      await null; // Frames of the same turn go together.
      while (this.waiting.length > 0 && this.readyState === 1) {
        const body = encoding.createEncoder();
        do {
          const frame = this.waiting.shift();
          if (frame) encoding.writeVarUint8Array(body, frame);
        } while (this.waiting.length > 0 && encoding.length(body) + this.waiting[0].length < MOST_BYTES);
        try {
          const { committed } = await request(`${this.path}/${this.stream}`, {
            method: 'POST',
            bytes: encoding.toUint8Array(body),
            headers: this.headers,
          });
          if (committed > 0) this.confirm(committed);
        } catch (error) {
          if (!(error instanceof RequestError)) throw error;
          // The stream says that this client may only read. After any other error it is unknown what was received.
          if (error.code === 'message_too_large') this.finish(TOO_LARGE, error.code);
          else if (error.code !== 'forbidden')
            this.finish(error.status === 413 || error.status === 429 ? CODES[error.status] : LOST, error.code);
        }
      }
      this.isSending = false;
    }

    /** @param {number} count */
    confirm(count) {
      this.committed += count;
      const frame = encoding.createEncoder();
      encoding.writeVarUint(frame, COMMITTED);
      encoding.writeVarUint(frame, this.committed);
      if (this.readyState === 1) this.emit('message', { data: encoding.toUint8Array(frame).slice().buffer });
    }

    close() {
      this.#shut();
    }

    // Not close(), because subclasses report a call of close() as the page's own.
    #shut() {
      this.readyState = 3;
      this.ending.abort();
    }

    /**
     * @param {number} code
     * @param {string} [reason]
     */
    finish(code, reason = '') {
      if (this.readyState === 3) return;
      this.#shut();
      this.emit('close', { code, reason });
    }

    /**
     * @param {string} type
     * @param {object} [details]
     */
    emit(type, details = {}) {
      const event = Object.assign(new Event(type), details);
      this.dispatchEvent(event);
      const { [`on${type}`]: handler } = /** @type {Record<string, any>} */ (/** @type {unknown} */ (this));
      handler?.(event);
    }
  };

/** @typedef {new (url: any, protocols?: any) => any} SocketClass */

/**
 * A class that is used like WebSocket, and tries `Other` where `Direct` cannot be opened; what was open last is tried
 * first. `Direct` may be absent.
 * @param {SocketClass | undefined} Direct
 * @param {SocketClass} Other
 * @returns {SocketClass}
 */
export function eitherSocket(Direct, Other) {
  if (!Direct) return Other;
  /** @type {SocketClass} */
  let preferred = Direct;
  let failures = 0;
  return class EitherSocket {
    /**
     * @param {string | URL} url
     * @param {string | string[]} [protocols]
     */
    constructor(url, protocols) {
      const second = /** @type {SocketClass} */ (preferred === Direct ? Other : Direct);
      const Kind = failures >= PATIENCE && failures % 2 === 0 ? second : preferred;
      const socket = new Kind(url, protocols);
      failures += 1;
      // Some proxies neither forward the handshake nor refuse it.
      const impatience = setTimeout(() => socket.close(), OPEN_WITHIN);
      socket.addEventListener('open', () => {
        clearTimeout(impatience);
        preferred = Kind;
        failures = 0;
      });
      socket.addEventListener('close', () => clearTimeout(impatience));
      return socket;
    }
  };
}

/** A WebsocketProvider that goes over HTTP where WebSockets cannot be opened. */
export class EventsProvider extends WebsocketProvider {
  /**
   * Takes the options of WebsocketProvider too. `locate`: returns the id of the document with a room's name (by default the
   * name is the id). `watched`: wraps each kind of socket.
   * @param {string} serverUrl
   * @param {string} room
   * @param {Y.Doc} doc
   * @param {{ locate?: (room: string) => Promise<string>, watched?: (Socket: any) => any, connect?: boolean,
   *   disableBc?: boolean, params?: Record<string, string>, [option: string]: any }} [options]
   */
  constructor(serverUrl, room, doc, options = {}) {
    const { locate = async (/** @type {string} */ name) => name, watched = (Socket) => Socket, ...others } = options;
    const Events = eventsSocket({ locate, stateVector: () => Y.encodeStateVector(doc) });
    /** @type {any} */
    const WebSocketPolyfill = eitherSocket(globalThis.WebSocket && watched(globalThis.WebSocket), watched(Events));
    super(serverUrl, room, doc, { ...others, WebSocketPolyfill });
  }
}
