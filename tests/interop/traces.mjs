import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import * as Y from 'yjs'
import { until } from './conditions.mjs'

const load = (path) => JSON.parse(gunzipSync(readFileSync(path)).toString('utf8'))

const ASTRAL = /[\u{10000}-\u{10FFFF}]/u

/** The UTF-16 index of a position that a trace counts in code points. */
const toUtf16 = (text, position, from = 0) => {
  let index = from
  for (let point = 0; point < position; point += 1) index += text.codePointAt(index) > 0xFFFF ? 2 : 1
  return index
}

/** Types the patches of a trace into a Y.Text; `plain` says that code points and UTF-16 units are the same in it. */
const type = (text, patches, plain) => {
  for (const [position, deleted, inserted] of patches) {
    let [index, length] = [position, deleted]
    if (!plain) {
      const before = text.toString()
      index = toUtf16(before, position)
      length = toUtf16(before, deleted, index) - index
    }
    if (length > 0) text.delete(index, length)
    if (inserted !== '') text.insert(index, inserted)
  }
}

const isPlain = ({ startContent = '', txns }) =>
  !ASTRAL.test(startContent) && txns.every(({ patches }) => patches.every(([, , inserted]) => !ASTRAL.test(inserted)))

/**
 * Types a sequential trace in one client, `batch` of its transactions in each Yjs transaction, never with more than `ahead`
 * content messages unacknowledged.
 */
export const replaySequentially = async (client, { path, root, batch, ahead, within }) => {
  const trace = load(path)
  const plain = isPlain(trace)
  const text = client.doc.getText(root)
  const deadline = Date.now() + within * 1000
  const caughtUp = { meets: () => client.unsynced <= ahead }
  for (let start = 0; start < trace.txns.length; start += batch) {
    client.doc.transact(() => {
      for (const { patches } of trace.txns.slice(start, start + batch)) type(text, patches, plain)
    })
    if (client.unsynced > ahead) await until([client], caughtUp, (deadline - Date.now()) / 1000)
  }
  return { transactions: trace.txns.length, matches: text.toString() === trace.endContent, endContent: trace.endContent }
}

/** For each transaction, how many of every agent's transactions its author had when it was typed, itself included. */
const histories = (txns) => {
  const seen = []
  for (const { agent, parents } of txns) {
    const history = new Map()
    for (const parent of parents) {
      for (const [other, count] of seen[parent]) history.set(other, Math.max(count, history.get(other) ?? 0))
    }
    history.set(agent, (history.get(agent) ?? 0) + 1)
    seen.push(history)
  }
  return seen
}

/** One of the two people of a concurrent trace: what the client has typed, and how much of it the other one was sent. */
class Agent {
  constructor (client, root) {
    this.client = client
    this.text = client.doc.getText(root)
    this.delivered = 0
    // index n describes the client right after its n-th transaction
    this.typed = [{ clock: this.clock(client.doc), frames: client.line.heldEver, deletes: [] }]
    client.doc.on('afterTransaction', ({ deleteSet, local }) => {
      if (local) this.deletes = [...deleteSet.clients].flatMap(([id, ranges]) => ranges.map(({ clock }) => Y.createID(id, clock)))
    })
    client.line.hold()
  }

  clock (doc) {
    return Y.getState(doc.store, this.client.doc.clientID)
  }

  type (patches, plain) {
    this.deletes = []
    this.client.doc.transact(() => type(this.text, patches, plain))
    this.typed.push({ clock: this.clock(this.client.doc), frames: this.client.line.heldEver, deletes: this.deletes })
  }

  /** Sends the first `count` transactions, and waits until the other one has integrated them. */
  async deliver (count, other, deadline) {
    if (count <= this.delivered) return 0
    const fresh = this.typed.slice(this.delivered + 1, count + 1)
    const { line } = this.client
    line.release(this.typed[count].frames - this.typed[this.delivered].frames)
    line.hold()
    this.delivered = count
    const { doc } = other.client
    const arrived = () => this.clock(doc) >= this.typed[count].clock &&
      fresh.every(({ deletes }) => deletes.every((id) => Y.getItem(doc.store, id).deleted))
    await until([this.client, other.client], { meets: arrived, dialled: 1 }, (deadline - Date.now()) / 1000).catch((error) => {
      throw new Error(`${count} transactions, clock ${this.clock(doc)} of ${this.typed[count].clock}: ${error.message}`)
    })
    if (this.clock(doc) !== this.typed[count].clock) throw new Error('the other client got more than was sent')
    return 1
  }
}

/**
 * Types a concurrent trace of two people in two live clients. A client types a transaction when it has exactly the
 * transactions that its author had: what is typed stays in that client's line until the other's next transaction was typed
 * after it, and then travels through the server.
 */
export const replayConcurrently = async (clients, { path, root, within }) => {
  const trace = load(path)
  if (trace.numAgents !== 2 || clients.length !== 2) throw new Error('only traces of two people')
  const plain = isPlain(trace)
  const seen = histories(trace.txns)
  const deadline = Date.now() + within * 1000
  const agents = clients.map((client) => new Agent(client, root))
  let exchanges = 0
  for (const [index, { agent, patches }] of trace.txns.entries()) {
    const [author, other] = [agents[agent], agents[1 - agent]]
    exchanges += await other.deliver(seen[index].get(1 - agent) ?? 0, author, deadline)
    author.type(patches, plain)
  }
  for (const [from, to] of [agents, agents.toReversed()]) await from.deliver(from.typed.length - 1, to, deadline)
  for (const { client } of agents) client.line.release()
  return {
    transactions: trace.txns.length,
    exchanges,
    matches: agents.map(({ text }) => text.toString() === trace.endContent),
    endContent: trace.endContent
  }
}
