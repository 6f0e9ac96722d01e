import { createRequire } from 'node:module'
import { HocuspocusProvider, HocuspocusProviderWebsocket } from '@hocuspocus/provider'
import * as decoding from 'lib0/decoding'
import WebSocket from 'ws'
import { Awareness } from 'y-protocols/awareness'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { changed } from './conditions.mjs'

const require = createRequire(import.meta.url)

/** The package versions in use, so that a test report names what it was run with. */
export const versions = Object.fromEntries(
  ['yjs', 'y-websocket', '@hocuspocus/provider', 'ws'].map((name) => [
    name, require(`./node_modules/${name}/package.json`).version
  ])
)

const COMMITTED = 8
const AUTH = 2

/** Whether a frame carries document content (SyncStep2 or Update), for either protocol. */
const carriesContent = (frame, protocol) => {
  const decoder = decoding.createDecoder(new Uint8Array(frame))
  if (protocol === 'hocus') {
    if (frame.byteLength < 2) return false
    decoding.readVarString(decoder)
  }
  return decoding.readVarUint(decoder) === 0 && decoding.readVarUint(decoder) > 0
}

/**
 * The network between one provider and the server: the stock `ws` client, counted, which can be cut like a cable and
 * can hold back outgoing content like a slow uplink.
 */
class Line {
  constructor (protocol) {
    this.protocol = protocol
    this.dialled = 0
    this.opened = 0
    this.closes = []
    this.sent = 0
    this.acknowledged = 0
    this.received = 0
    this.bytesIn = 0
    this.holding = false
    this.held = []
    this.heldEver = 0
    this.socket = null
    const line = this
    this.Socket = class extends WebSocket {
      constructor (...args) {
        super(...args)
        line.dialled += 1
        line.socket = this
        line.sent = 0
        line.acknowledged = 0
        line.bytesIn = 0
        line.held = []
        this.addEventListener('open', () => { line.opened += 1; changed() })
        this.addEventListener('message', ({ data }) => { line.received += 1; line.bytesIn += data.byteLength })
        this.addEventListener('close', ({ code, reason }) => { line.closes.push([code, reason]); changed() })
        this.addEventListener('error', changed)
      }

      send (frame, ...rest) {
        if (carriesContent(frame, line.protocol)) {
          if (line.holding) {
            line.held.push(frame)
            line.heldEver += 1
            return
          }
          line.sent += 1
        }
        super.send(frame, ...rest)
      }
    }
  }

  cut () {
    this.socket?.terminate()
  }

  hold () {
    this.holding = true
  }

  /** Lets the next `count` held content frames go. */
  release (count = this.held.length) {
    this.holding = false
    for (const frame of this.held.splice(0, count)) this.socket.send(frame)
    this.holding = this.held.length > 0
  }
}

class Client {
  constructor ({ client, name, clientId = null, gc = true }) {
    this.label = client
    this.name = name
    this.events = []
    this.doc = new Y.Doc({ gc })
    if (clientId !== null) this.doc.clientID = clientId
    this.doc.on('update', changed)
  }

  note (name, detail) {
    this.events.push({ name, detail })
    changed()
  }

  get awareness () {
    return this.provider.awareness
  }

  watchAwareness () {
    this.awareness?.on('update', (change, origin) => {
      const [added, updated, removed] = [change.added, change.updated, change.removed]
      this.note('awareness', { added, updated, removed, local: origin === 'local' })
    })
  }

  view () {
    return {
      protocol: this.protocol,
      connected: this.connected,
      synced: this.provider.synced,
      saved: this.saved,
      unsynced: this.unsynced,
      sent: this.line.sent,
      acknowledged: this.line.acknowledged,
      dialled: this.line.dialled,
      opened: this.line.opened,
      bytesIn: this.line.bytesIn,
      closes: this.line.closes.slice(-5),
      clientId: this.doc.clientID,
      presence: this.awareness ? Object.fromEntries(this.awareness.getStates()) : null,
      pending: this.doc.store.pendingStructs !== null,
      events: this.events.filter(({ name }) => name !== 'unsyncedChanges').slice(-12)
    }
  }
}

export class YWebsocketClient extends Client {
  constructor (options) {
    super(options)
    const { url, name, token = null, params = {}, connect = true, quiet = false, acks = true } = options
    this.protocol = 'yws'
    this.line = new Line('yws')
    this.provider = new WebsocketProvider(url, name, this.doc, {
      connect: false,
      // without this, clients of one Node process would talk past the server
      disableBc: true,
      maxBackoffTime: options.maxBackoff ?? 400,
      params: { ...(acks ? { acks: '1' } : {}), ...(token === null ? {} : { token }), ...params },
      WebSocketPolyfill: this.line.Socket
    })
    const denied = this.provider.messageHandlers[AUTH]
    this.provider.messageHandlers[AUTH] = (...args) => {
      this.note('denied')
      denied(...args)
    }
    if (acks) {
      this.provider.messageHandlers[COMMITTED] = (encoder, decoder) => {
        this.line.acknowledged = decoding.readVarUint(decoder)
        changed()
      }
    }
    this.provider.on('status', ({ status }) => this.note('status', status))
    this.provider.on('sync', (state) => this.note('sync', state))
    this.provider.on('closed', (close) => this.note('closed', { code: close.code, reason: close.reason }))
    this.watchAwareness()
    if (quiet) this.awareness.setLocalState(null)
    if (connect) this.provider.connect()
  }

  get connected () {
    return this.provider.wsconnected
  }

  /** Whether the end of the last socket has been dealt with; `connect` does nothing before. */
  get offline () {
    return this.provider.ws === null
  }

  get unsynced () {
    return this.line.sent - this.line.acknowledged
  }

  get saved () {
    return this.connected && this.provider.synced && this.line.sent > 0 && this.unsynced === 0
  }

  connect () {
    this.provider.connect()
  }

  disconnect () {
    this.provider.disconnect()
  }

  destroy () {
    this.provider.destroy()
    this.awareness.destroy()
    this.doc.destroy()
  }
}

/** A Hocuspocus socket, which several documents may share. */
export class HocuspocusSocket {
  constructor ({ url, connect = true }) {
    this.line = new Line('hocus')
    this.provider = new HocuspocusProviderWebsocket({
      url,
      autoConnect: connect,
      delay: 50,
      minDelay: 50,
      maxDelay: 400,
      jitter: false,
      WebSocketPolyfill: this.line.Socket
    })
    this.provider.on('status', changed)
  }

  destroy () {
    this.provider.destroy()
  }
}

const EVENTS = ['authenticated', 'authenticationFailed', 'synced', 'close', 'stateless', 'unsyncedChanges', 'disconnect']

export class HocuspocusClient extends Client {
  constructor (options, socket = null) {
    super(options)
    const { url, name, token = null, attach = true, connect = true, quiet = false } = options
    this.protocol = 'hocus'
    this.ownsSocket = socket === null
    this.socket = socket ?? new HocuspocusSocket({ url, connect })
    this.line = this.socket.line
    this.token = token
    this.tokensAsked = 0
    this.pendingToken = null
    this.provider = new HocuspocusProvider({
      name,
      document: this.doc,
      awareness: quiet ? null : new Awareness(this.doc),
      token: options.slowToken ? () => this.slowToken() : () => { this.tokensAsked += 1; return this.token },
      sessionAwareness: options.sessionAwareness ?? false,
      flushDelay: options.flushDelay ?? false,
      websocketProvider: this.socket.provider
    })
    for (const name of EVENTS) {
      this.provider.on(name, ({ reason, scope, payload, number, state, event } = {}) => {
        this.note(name, reason ?? scope ?? payload ?? number ?? state ?? event?.reason)
      })
    }
    this.watchAwareness()
    if (attach) this.provider.attach()
  }

  /** A token that is not there until the test hands it over, as from a slow identity provider. */
  slowToken () {
    this.tokensAsked += 1
    return new Promise((resolve) => { this.pendingToken = resolve; this.note('tokenAsked') })
  }

  handToken (token) {
    this.token = token
    this.pendingToken?.(token)
    this.pendingToken = null
  }

  get connected () {
    return this.line.socket?.readyState === WebSocket.OPEN
  }

  get offline () {
    return this.socket.provider.status === 'disconnected'
  }

  get unsynced () {
    return this.provider.unsyncedChanges
  }

  get saved () {
    return this.connected && this.provider.isAuthenticated && this.provider.synced && this.unsynced === 0
  }

  connect () {
    this.socket.provider.connect()
  }

  disconnect () {
    this.socket.provider.disconnect()
  }

  destroy () {
    this.provider.destroy()
    if (this.ownsSocket) this.socket.destroy()
    this.doc.destroy()
  }
}
