/**
 * y-websocket's messages over plain HTTP, for where a proxy lets no WebSocket through: a stream of server-sent events
 * brings them, POSTs take them. See GET /api/v1/documents/{id}/events.
 */
import * as encoding from 'lib0/encoding';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { RequestError, request } from './request.js';
import { COMMITTED } from './socket.js';

const LOST = 1006;
/** Sending it again is of no use. */
const TOO_LARGE = 4413;
const CODES = { 400: 4400, 401: 4401, 403: 4403, 404: 4404, 409: 4409, 413: 1009, 429: 4529, 503: 1013 };
const PATIENCE = 2;
const OPEN_WITHIN = 10000;
const MOST_BYTES = 4e6;
const LONGEST_VECTOR = 4096;

const bytesOf = (base64) => Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
const base64Of = (bytes) => btoa(String.fromCharCode(...bytes)).replaceAll('+', '-').replaceAll('/', '_');

/**
 * @param {{locate: (room: string) => Promise<string>, stateVector: () => Uint8Array}} of locate: the id of the document
 *   that a room's name means; stateVector: what the client has
 * @returns a class that is used like WebSocket, and takes its URLs
 */
export const eventsSocket = ({ locate, stateVector }) => class EventsSocket extends EventTarget {
  constructor(url) {
    super();
    this.url = url;
    this.readyState = 0;
    this.OPEN = 1;
    this.waiting = [];
    this.saying = false;
    this.committed = 0;
    this.ending = new AbortController();
    this.listen(new URL(url)).catch((error) => this.finish(CODES[error.status] ?? LOST, error.code ?? ''));
  }

  async listen(url) {
    const room = decodeURIComponent(url.pathname.split('/').slice(2).join('/'));
    const token = url.searchParams.get('token');
    this.headers = token ? { Authorization: `Bearer ${token}` } : {};
    this.path = `documents/${await locate(room)}/events`;
    const vector = stateVector();
    const query = vector.length <= LONGEST_VECTOR ? `?state_vector=${base64Of(vector)}` : '';
    const answer = await fetch(`/api/v1/${this.path}${query}`, {
      headers: { Accept: 'text/event-stream', ...this.headers }, cache: 'no-store', signal: this.ending.signal,
    });
    if (!answer.ok) throw new RequestError(answer.status, (await answer.json().catch(() => ({}))).code ?? '', '');
    const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      text += value;
      // A large document comes in many pieces without a line's end: they are not looked through again and again.
      if (!value.includes('\n')) continue;
      const events = text.split('\n\n');
      text = events.pop();
      events.forEach((event) => this.hear(event));
    }
    this.finish(LOST);
  }

  hear(event) {
    const field = (name) => event.split('\n').find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2);
    const data = field('data');
    const name = field('event');
    if (data === undefined || this.readyState > 1) return;
    if (name === undefined) this.emit('message', { data: bytesOf(data).buffer });
    else if (name === 'open') {
      this.stream = JSON.parse(data).stream;
      this.readyState = 1;
      this.emit('open');
    } else if (name === 'close') {
      const { code, reason } = JSON.parse(data);
      this.finish(code, reason);
    }
  }

  send(frame) {
    // The stream answers the question of what this client lacks without being asked: it was opened with what it has.
    if (frame[0] === 0 && frame[1] === 0) return;
    this.waiting.push(frame);
    if (!this.saying) this.say();
  }

  /** One request at a time; what is sent meanwhile goes with the next. */
  async say() {
    this.saying = true;
    await null; // what is sent in this turn goes together
    while (this.waiting.length > 0 && this.readyState === 1) {
      const body = encoding.createEncoder();
      do encoding.writeVarUint8Array(body, this.waiting.shift());
      while (this.waiting.length > 0 && encoding.length(body) + this.waiting[0].length < MOST_BYTES);
      try {
        const { committed } = await request(`${this.path}/${this.stream}`, {
          method: 'POST', bytes: encoding.toUint8Array(body), headers: this.headers,
        });
        if (committed > 0) this.confirm(committed);
      } catch (error) {
        // That this client may only read is said on the stream. After anything else nobody knows what was taken.
        if (error.code === 'message_too_large') this.finish(TOO_LARGE, error.code);
        else if (error.code !== 'forbidden') this.finish(error.status === 413 || error.status === 429 ? CODES[error.status] : LOST, error.code);
      }
    }
    this.saying = false;
  }

  confirm(count) {
    this.committed += count;
    const frame = encoding.createEncoder();
    encoding.writeVarUint(frame, COMMITTED);
    encoding.writeVarUint(frame, this.committed);
    if (this.readyState === 1) this.emit('message', { data: encoding.toUint8Array(frame).slice().buffer });
  }

  close() { this.#shut(); }

  // Not close(): who wraps this class takes a call of that for the page's own wish.
  #shut() {
    this.readyState = 3;
    this.ending.abort();
  }

  finish(code, reason = '') {
    if (this.readyState === 3) return;
    this.#shut();
    this.emit('close', { code, reason });
  }

  emit(type, details = {}) {
    const event = Object.assign(new Event(type), details);
    this.dispatchEvent(event);
    this[`on${type}`]?.(event);
  }
};

/**
 * A class that is used like WebSocket, and tries `Other` where `Direct` cannot be opened; what was open last is tried
 * first. `Direct` may be absent.
 */
export function eitherSocket(Direct, Other) {
  if (!Direct) return Other;
  let preferred = Direct;
  let failures = 0;
  return class EitherSocket {
    constructor(url, protocols) {
      const second = preferred === Direct ? Other : Direct;
      const Kind = failures >= PATIENCE && failures % 2 === 0 ? second : preferred;
      const socket = new Kind(url, protocols);
      failures += 1;
      // Some proxies neither pass the handshake on nor refuse it.
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
   * @param {{locate?: (room: string) => Promise<string>, watched?: (Socket: Function) => Function}} options as
   *   WebsocketProvider's; locate: the id of the document that a room's name means (default: it is the id); watched:
   *   wraps each kind of socket
   */
  constructor(serverUrl, room, doc, { locate = async (name) => name, watched = (Socket) => Socket, ...options } = {}) {
    const Events = eventsSocket({ locate, stateVector: () => Y.encodeStateVector(doc) });
    super(serverUrl, room, doc, {
      ...options,
      WebSocketPolyfill: eitherSocket(globalThis.WebSocket && watched(globalThis.WebSocket), watched(Events)),
    });
  }
}
