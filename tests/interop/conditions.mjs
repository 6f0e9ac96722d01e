import { isDeepStrictEqual } from 'node:util'
import * as Y from 'yjs'

const waiting = new Set()
let scheduled = false

/** Says that something happened to some client: every condition that is waited for is looked at again. */
export const changed = () => {
  if (scheduled) return
  scheduled = true
  setImmediate(() => {
    scheduled = false
    for (const look of [...waiting]) look()
  })
}

const READ = {
  text: (doc, root) => doc.getText(root).toString(),
  delta: (doc, root) => doc.getText(root).toDelta(),
  map: (doc, root) => doc.getMap(root).toJSON(),
  array: (doc, root) => doc.getArray(root).toJSON(),
  xml: (doc, root) => doc.getXmlFragment(root).toString()
}

/** The content of the named roots: `{root: kind}` gives `{root: value}`. */
export const read = (doc, roots) =>
  Object.fromEntries(Object.entries(roots).map(([root, kind]) => [root, READ[kind](doc, root)]))

const sameState = (one, other) => {
  const left = Y.encodeStateVector(one)
  const right = Y.encodeStateVector(other)
  return isDeepStrictEqual(left, right) && Y.equalSnapshots(Y.snapshot(one), Y.snapshot(other))
}

const includes = (state, wanted) =>
  wanted === null
    ? state === undefined
    : state !== undefined && Object.entries(wanted).every(([key, value]) => isDeepStrictEqual(state[key], value))

const CHECKS = {
  connected: (client, wanted) => client.connected === wanted,
  offline: (client, wanted) => client.offline === wanted,
  synced: (client, wanted) => client.provider.synced === wanted,
  saved: (client, wanted) => client.saved === wanted,
  authenticated: (client, wanted) => client.provider.isAuthenticated === wanted,
  unsynced: (client, wanted) => client.unsynced === wanted,
  unsyncedAbove: (client, wanted) => client.unsynced > wanted,
  pending: (client, wanted) => (client.doc.store.pendingStructs !== null) === wanted,
  dialled: (client, wanted) => client.line.dialled === wanted,
  opened: (client, wanted) => client.line.opened >= wanted,
  closed: (client, wanted) => client.line.closes.length >= wanted,
  received: (client, wanted) => client.line.received >= wanted,
  text: (client, wanted) => Object.entries(wanted).every(([root, text]) => client.doc.getText(root).toString() === text),
  contains: (client, wanted) => Object.entries(wanted).every(([root, parts]) => {
    const text = client.doc.getText(root).toString()
    return parts.every((part) => text.includes(part))
  }),
  length: (client, wanted) => Object.entries(wanted).every(([root, length]) => client.doc.getText(root).length === length),
  map: (client, wanted) => Object.entries(wanted).every(([root, map]) => isDeepStrictEqual(client.doc.getMap(root).toJSON(), map)),
  presence: (client, wanted) => Object.entries(wanted).every(([id, state]) =>
    includes(client.awareness.getStates().get(Number(id)), state)),
  people: (client, wanted) => client.awareness.getStates().size === wanted,
  events: (client, wanted) => Object.entries(wanted).every(([name, count]) =>
    client.events.filter((event) => event.name === name).length >= count),
  meets: (client, predicate) => predicate(client),
  never: (client, names) => !client.events.some((event) => names.includes(event.name))
}

/** The names of the checks that do not hold for these clients now. */
const unmet = (clients, what) => Object.entries(what).filter(([name, wanted]) => {
  if (name === 'same') return !clients.every((client) => sameState(clients[0].doc, client.doc))
  if (CHECKS[name] === undefined) throw new Error(`no such condition: ${name}`)
  return !clients.every((client) => CHECKS[name](client, wanted))
}).map(([name]) => name)

const describe = (clients, what) => {
  const seen = clients.map((client) => {
    const roots = Object.keys({ ...what.text, ...what.contains, ...what.length })
    const texts = Object.fromEntries(roots.map((root) => [root, client.doc.getText(root).toString().slice(0, 300)]))
    return `${client.label}: ${JSON.stringify({ ...client.view(), ...texts })}`
  })
  return `${JSON.stringify(unmet(clients, what))} of ${JSON.stringify(what).slice(0, 1000)}\n${seen.join('\n')}`
}

/** Resolves once everything in `what` holds for all the clients at one moment; rejects after `within` seconds. */
export const until = (clients, what, within) => new Promise((resolve, reject) => {
  const look = () => {
    try {
      if (unmet(clients, what).length > 0) return
    } catch (error) {
      finish(reject, error)
      return
    }
    finish(resolve)
  }
  const finish = (settle, value) => {
    clearTimeout(timer)
    waiting.delete(look)
    settle(value)
  }
  const timer = setTimeout(() => {
    finish(reject, new Error(`not within ${within} s: ${describe(clients, what)}`))
  }, within * 1000)
  waiting.add(look)
  look()
})

/** Resolves after `seconds` in which everything in `what` held all the time; rejects as soon as it does not. */
export const throughout = (clients, what, seconds) => new Promise((resolve, reject) => {
  const look = () => {
    if (unmet(clients, what).length === 0) return
    clearTimeout(timer)
    waiting.delete(look)
    reject(new Error(`it did not last: ${describe(clients, what)}`))
  }
  const timer = setTimeout(() => {
    waiting.delete(look)
    resolve()
  }, seconds * 1000)
  waiting.add(look)
  look()
})
