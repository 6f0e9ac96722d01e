/**
 * Documents that Yjs has written at random, and a judge of what the server made of them.
 *
 * A line in is `{"seed": 1, "count": 50}`; its answer is a list of `{"updates": [...], "states": [...]}`, bytes as base64.
 * A state is that of who has the first `after` updates. Or a line is `{"results": [...]}`: for each of those documents,
 * a list of `{"name": ..., "after": ..., "given": [...]}`, updates that give the whole document to who has the first
 * `after` updates. Its answer lists what is not equal. The argument names the package of Yjs: `yjs` or `yjs-14`.
 */
import { createInterface } from 'node:readline'

const Y = await import(process.argv[2])

/** xorshift: the same seed makes the same documents. */
class Chance {
  constructor (seed) { this.state = (seed * 2654435761 + 12345) >>> 0 || 1 }
  below (limit) {
    this.state ^= this.state << 13; this.state >>>= 0
    this.state ^= this.state >>> 17
    this.state ^= this.state << 5; this.state >>>= 0
    return this.state % limit
  }
  of (list) { return list[this.below(list.length)] }
}

const HALF = '\ud83d'
const TEXTS = ['a', 'zeta', '}@', 'z\0', '\u00e9', '\u6f22', '\u{1f600}', HALF, '\udc00x', '\n', '\\ud83d', '~collab_server keeps this~', 'x'.repeat(200)]
const NUMBERS = [0, -0, 1, -1, 0.5, 0.1, -1e-7, NaN, Infinity, -Infinity, 2 ** 31 - 1, 2 ** 31, -(2 ** 31), 2 ** 53 - 1, 2 ** 53, 1e19, 2 ** 63, -(2 ** 63), 2 ** 64, 1e21, 1e300, 5e-324]
const BIGINTS = [0n, -5n, 5n, 2n ** 53n, -(2n ** 62n), 0x4142434445464748n, 2n ** 63n - 1n, -(2n ** 63n)]
const KEYS = ['a', 'b', 'zz', '__x', '\u{1f600}', HALF, '}@']

function plain (chance, depth, { bigints = true } = {}) {
  switch (chance.below(depth > 2 ? 7 : 10)) {
    case 0: return chance.of(TEXTS)
    case 1: case 2: return chance.of(NUMBERS)
    case 3: return bigints ? chance.of(BIGINTS) : chance.of(NUMBERS)
    case 4: return chance.of([true, false])
    case 5: return null
    case 6: return bigints ? chance.of([undefined, new Uint8Array([116, 0, 255]), new Uint8Array(0)]) : 'plain'
    case 7: return Array.from({ length: chance.below(4) }, () => plain(chance, depth + 1, { bigints }))
    default: return Object.fromEntries(Array.from({ length: chance.below(4) }, () => [chance.of(KEYS), plain(chance, depth + 1, { bigints })]))
  }
}

/** What an array or a map takes: Yjs refuses bigints and undefined that are not inside of something. */
function value (chance) {
  const made = plain(chance, 0)
  return typeof made === 'bigint' || made === undefined ? [made] : made
}

function type (chance) {
  switch (chance.below(8)) {
    case 0: return new Y.Map([[chance.of(KEYS), value(chance)]])
    case 1: return Y.Array.from([value(chance), value(chance)])
    case 2: return new Y.Text(chance.of(TEXTS))
    case 3: return new Uint8Array([chance.below(256), 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0])
    case 4: return new Y.Doc({ guid: `guid-${chance.below(1000)}`, ...chance.of([{}, { gc: false }, { autoLoad: true }, { meta: { a: -0, b: [1n] } }, { gc: false, autoLoad: true, meta: 'm' }]) })
    default: return value(chance)
  }
}

const formats = (chance) => ({ [chance.of(['bold', 'link', 'zz'])]: chance.of([true, null, HALF, { href: `x${HALF}` }, 2 ** 63, '}@', { a: 1, b: [-0] }]) })

const EDITS = {
  text (chance, doc) {
    const text = doc.getText('t')
    const place = chance.below(text.length + 1)
    const length = Math.min(chance.below(4), text.length - place)
    switch (chance.below(6)) {
      case 0: text.insertEmbed(place, { embedded: plain(chance, 1, { bigints: false }) }, chance.of([undefined, formats(chance)])); break
      case 1: if (length) text.format(place, length, formats(chance)); break
      case 2: if (length) text.delete(place, length); break
      case 3: text.insert(place, chance.of(TEXTS), formats(chance)); break
      default: text.insert(place, chance.of(TEXTS))
    }
  },
  map (chance, doc) {
    const map = doc.getMap('m')
    const key = chance.of(KEYS)
    if (chance.below(5) === 0) map.delete(key)
    else map.set(key, type(chance))
  },
  array (chance, doc) {
    const array = doc.getArray('a')
    const place = chance.below(array.length + 1)
    if (chance.below(4) === 0 && place < array.length) array.delete(place, 1 + chance.below(array.length - place))
    else array.insert(place, Array.from({ length: 1 + chance.below(3) }, () => type(chance)))
  },
  xml (chance, doc) {
    let parent = doc.getXmlFragment('x')
    while (parent.length && chance.below(2)) {
      const child = parent.get(chance.below(parent.length))
      if (!(child instanceof Y.XmlElement)) break
      parent = child
    }
    const place = chance.below(parent.length + 1)
    switch (chance.below(6)) {
      case 0: if (place < parent.length) parent.delete(place, 1); break
      case 1: if (parent instanceof Y.XmlElement) parent.setAttribute(chance.of(KEYS), plain(chance, 1)); break
      case 2: parent.insert(place, [new Y.XmlText(chance.of(TEXTS))]); break
      case 3: {
        const hook = new Y.XmlHook(chance.of(['hook', 'z', '~collab_server keeps this~5']))
        parent.insert(place, [hook])
        hook.set('k', value(chance))
        break
      }
      default: parent.insert(place, [new Y.XmlElement(chance.of(['p', 'zz', '~collab_server keeps this~3p']))])
    }
  }
}

/** Clients of before 2020 wrote values as JSON, one text for each. */
const today = { getRef: Y.ContentAny.prototype.getRef, write: Y.ContentAny.prototype.write }
const formerly = {
  getRef: () => 2,
  write (encoder, offset) {
    encoder.writeLen(this.arr.length - offset)
    for (const one of this.arr.slice(offset)) {
      const json = JSON.stringify(one, (_, part) => typeof part === 'bigint' ? String(part) : part)
      encoder.writeString(json === undefined ? 'undefined' : json)
    }
  }
}

function documentOf (seed) {
  const chance = new Chance(seed)
  Object.assign(Y.ContentAny.prototype, chance.below(4) ? today : formerly)
  const updates = []
  const heard = Array.from({ length: 1 + chance.below(3) }, () => 0)
  const docs = heard.map((_, index) => {
    const doc = new Y.Doc({ gc: chance.below(2) === 0 })
    doc.clientID = 1 + chance.below(2 ** 31)
    doc.on('update', (update, origin) => { if (origin !== 'other') updates.push({ update, by: index }) })
    return doc
  })
  const kinds = chance.below(3) ? Object.keys(EDITS) : [chance.of(Object.keys(EDITS))]
  const undo = docs.map((doc) => new Y.UndoManager([doc.getText('t'), doc.getMap('m'), doc.getArray('a'), doc.getXmlFragment('x')], { captureTimeout: 0 }))
  for (let step = 2 + chance.below(20); step > 0; step--) {
    const index = chance.below(docs.length)
    if (chance.below(2)) {
      for (; heard[index] < updates.length; heard[index]++) {
        if (updates[heard[index]].by !== index) Y.applyUpdate(docs[index], updates[heard[index]].update, 'other')
      }
    }
    if (chance.below(10) === 0) chance.of([() => undo[index].undo(), () => undo[index].redo()])()
    else {
      docs[index].transact(() => {
        for (let edits = 1 + chance.below(3); edits > 0; edits--) EDITS[chance.of(kinds)](chance, docs[index])
      })
    }
    // Somebody comes back and sends all there is.
    if (chance.below(12) === 0) updates.push({ update: Y.encodeStateAsUpdate(docs[index]), by: index })
  }
  docs.forEach((doc) => { doc.destroy() })
  return { updates: updates.map(({ update }) => update), after: [chance.below(updates.length + 1), chance.below(updates.length + 1)] }
}

function told (value) {
  if (typeof value === 'bigint') return `${value}n`
  if (Object.is(value, -0)) return '-0'
  if (typeof value === 'number') return `${value}`
  if (value === undefined) return 'undefined'
  if (value === null || typeof value !== 'object') return JSON.stringify(value)
  if (value instanceof Uint8Array) return `<${Buffer.from(value).toString('hex')}>`
  if (value instanceof Y.Doc) return `doc ${value.guid} gc ${value.gc} auto ${value.autoLoad} load ${value.shouldLoad} meta ${told(value.meta)}`
  if (value instanceof Y.XmlHook) return `hook ${value.hookName} ${entries(value)}`
  if (value instanceof Y.XmlText || value instanceof Y.Text) return `${value.constructor.name} ${told(delta(value))}`
  if (value instanceof Y.XmlElement) return `${value.nodeName} ${told(value.getAttributes())} ${told(value.toArray())}`
  if (value instanceof Y.XmlFragment || value instanceof Y.Array) return `${value.constructor.name} ${told(value.toArray())}`
  if (value instanceof Y.Map) return `map ${entries(value)}`
  if (Array.isArray(value)) return `[${value.map(told).join()}]`
  return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${told(value[key])}`).join()}}`
}

/** Version 14 has no toDelta. */
const delta = (text) => text.toDelta ? text.toDelta() : text.getContent().toJSON()

const entries = (map) => told(Object.fromEntries([...map.keys()].map((key) => [key, map.get(key)])))

const whole = (doc) => [doc.getText('t'), doc.getMap('m'), doc.getArray('a'), doc.getXmlFragment('x')].map(told).join('\n')

function made (updates) {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

let documents = []

function judge (results) {
  Object.assign(Y.ContentAny.prototype, today)
  const unequal = []
  for (const [index, { seed, updates }] of documents.entries()) {
    const right = made(updates)
    const wanted = whole(right)
    for (const { name, after, given } of results[index]) {
      const got = made([...updates.slice(0, after), ...given.map((one) => Buffer.from(one, 'base64'))])
      const said = whole(got)
      if (said !== wanted) unequal.push(`seed ${seed}, ${name}:\n${said}\ninstead of\n${wanted}`)
      else if (!Y.equalSnapshots(Y.snapshot(got), Y.snapshot(right))) unequal.push(`seed ${seed}, ${name}: other clocks or deletions`)
    }
  }
  return unequal
}

createInterface({ input: process.stdin }).on('line', (line) => {
  const { seed, count, results } = JSON.parse(line)
  let answer
  if (results === undefined) {
    documents = Array.from({ length: count }, (_, index) => ({ seed: seed + index, ...documentOf(seed + index) }))
    Object.assign(Y.ContentAny.prototype, today)
    answer = documents.map(({ updates, after }) => ({
      updates: updates.map((update) => Buffer.from(update).toString('base64')),
      states: after.map((count) => ({ after: count, vector: Buffer.from(Y.encodeStateVector(made(updates.slice(0, count)))).toString('base64') }))
    }))
  } else {
    answer = judge(results)
  }
  process.stdout.write(JSON.stringify(answer) + '\n')
})
