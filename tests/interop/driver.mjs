/**
 * Real Yjs clients, driven over standard input and output.
 *
 * A line in is `{"id": 7, "do": "open", ...}`; its answer `{"id": 7, "result": ...}` or `{"id": 7, "error": "..."}`. Commands
 * run side by side: only a wait takes time, and nothing waits for another command. What the client libraries print on the
 * console is kept (command `complaints`), because that is where they report a message that they could not read.
 */
import { createInterface } from 'node:readline'
import * as Y from 'yjs'
import { HocuspocusClient, HocuspocusSocket, versions, YWebsocketClient } from './clients.mjs'
import { read, throughout, until } from './conditions.mjs'
import { edit, editRandomly, RANDOM_ROOTS } from './edits.mjs'
import { replayConcurrently, replaySequentially } from './traces.mjs'
import { beforeCursors, Typist } from './typists.mjs'

const clients = new Map()
const sockets = new Map()
const typists = new Map()
const complaints = []
for (const level of ['log', 'info', 'warn', 'error']) {
  console[level] = (...words) => complaints.push(words.map((word) => word?.stack ?? String(word)).join(' '))
}

const named = (label) => {
  const client = clients.get(label)
  if (client === undefined) throw new Error(`no client called ${label}`)
  return client
}
const all = (labels) => [labels].flat().map(named)
const hex = (bytes) => Buffer.from(bytes).toString('hex')

const COMMANDS = {
  versions: () => versions,
  socket: (options) => { sockets.set(options.socket, new HocuspocusSocket(options)) },
  open: (options) => {
    if (clients.has(options.client)) throw new Error(`${options.client} is open already`)
    const shared = options.socket === undefined ? null : sockets.get(options.socket)
    const client = options.protocol === 'yws' ? new YWebsocketClient(options) : new HocuspocusClient(options, shared)
    clients.set(options.client, client)
    return { clientId: client.doc.clientID }
  },
  edit: ({ client, operations }) => edit(named(client).doc, operations),
  random: ({ client, seed, steps }) => editRandomly(named(client).doc, seed, steps),
  apply: ({ client, update }) => Y.applyUpdate(named(client).doc, Buffer.from(update, 'hex'), 'test'),
  update: ({ client, since }) => hex(Y.encodeStateAsUpdate(named(client).doc, since ? Buffer.from(since, 'hex') : undefined)),
  presence: ({ client, state }) => named(client).awareness.setLocalState(state),
  states: ({ client }) => Object.fromEntries(named(client).awareness.getStates()),
  until: ({ client, what, within = 10 }) => until(all(client), what, within),
  throughout: ({ client, what, seconds }) => throughout(all(client), what, seconds),
  view: ({ client }) => named(client).view(),
  events: ({ client, name }) => named(client).events.filter((event) => event.name === name).map((event) => event.detail ?? null),
  read: ({ client, roots }) => read(named(client).doc, roots),
  dump: ({ client, roots = RANDOM_ROOTS }) => {
    const { doc } = named(client)
    const content = read(doc, roots)
    const snapshot = Y.snapshot(doc)
    return { content, stateVector: Object.fromEntries(Y.decodeStateVector(Y.encodeStateVector(doc))), snapshot: hex(Y.encodeSnapshot(snapshot)) }
  },
  connect: ({ client }) => named(client).connect(),
  disconnect: ({ client }) => named(client).disconnect(),
  connectSocket: ({ socket }) => { sockets.get(socket).provider.connect() },
  disconnectSocket: ({ socket }) => sockets.get(socket).provider.disconnect(),
  cutSocket: ({ socket }) => sockets.get(socket).line.cut(),
  cut: ({ client }) => named(client).line.cut(),
  attach: ({ client }) => named(client).provider.attach(),
  detach: ({ client }) => named(client).provider.detach(),
  destroy: ({ client }) => {
    named(client).destroy()
    clients.delete(client)
  },
  /** Several of the commands above in one turn of the event loop, so that nothing comes in between. */
  atOnce: ({ commands }) => { for (const command of commands) COMMANDS[command.do](command) },
  forceSync: ({ client }) => named(client).provider.forceSync(),
  sendToken: ({ client }) => named(client).provider.sendToken(),
  token: ({ client, token }) => { named(client).token = token },
  handToken: ({ client, token }) => named(client).handToken(token),
  stateless: ({ client, payload }) => named(client).provider.sendStateless(payload),
  hold: ({ client }) => named(client).line.hold(),
  release: ({ client, count }) => named(client).line.release(count),
  replayConcurrently: ({ clients: labels, ...options }) => replayConcurrently(all(labels), options),
  replaySequentially: ({ client, ...options }) => replaySequentially(named(client), options),
  startTyping: ({ client, ...options }) => { typists.set(client, new Typist(named(client), options)) },
  stopTyping: ({ client }) => typists.get(client).stop(),
  aroundCaret: ({ client }) => typists.get(client).around(),
  beforeCursors: ({ client, root }) => beforeCursors(named(client), root),
  complaints: () => complaints.splice(0)
}

const answer = (id, body) => process.stdout.write(`${JSON.stringify({ id, ...body })}\n`)

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, ...command } = JSON.parse(line)
  try {
    if (COMMANDS[command.do] === undefined) throw new Error(`no such command: ${command.do}`)
    answer(id, { result: (await COMMANDS[command.do](command)) ?? null })
  } catch (error) {
    answer(id, { error: error.message, stack: error.stack })
  }
}).on('close', () => process.exit(0))

process.on('unhandledRejection', (error) => complaints.push(`unhandled rejection: ${error?.stack ?? error}`))
process.on('uncaughtException', (error) => complaints.push(`uncaught exception: ${error?.stack ?? error}`))
