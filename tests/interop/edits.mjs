import * as Y from 'yjs'

/** A Yjs value from its plain description: `{"$map": {...}}`, `{"$array": [...]}`, `{"$xml": [name, attributes, children]}`. */
const build = (value) => {
  if (value === null || typeof value !== 'object') return value
  if (value.$map) {
    const map = new Y.Map()
    for (const [key, inner] of Object.entries(value.$map)) map.set(key, build(inner))
    return map
  }
  if (value.$array) return Y.Array.from(value.$array.map(build))
  if (value.$xml) {
    const [name, attributes, children] = value.$xml
    const element = new Y.XmlElement(name)
    for (const [key, inner] of Object.entries(attributes)) element.setAttribute(key, inner)
    element.insert(0, children.map((child) => (typeof child === 'string' ? new Y.XmlText(child) : build(child))))
    return element
  }
  return value
}

const OPERATIONS = {
  insert: (doc, root, index, text, attributes) => doc.getText(root).insert(index, text, attributes),
  append: (doc, root, text) => doc.getText(root).insert(doc.getText(root).length, text),
  delete: (doc, root, index, length) => doc.getText(root).delete(index, length),
  format: (doc, root, index, length, attributes) => doc.getText(root).format(index, length, attributes),
  embed: (doc, root, index, embed, attributes) => doc.getText(root).insertEmbed(index, embed, attributes),
  set: (doc, root, key, value) => doc.getMap(root).set(key, build(value)),
  unset: (doc, root, key) => doc.getMap(root).delete(key),
  push: (doc, root, values) => doc.getArray(root).push(values.map(build)),
  xml: (doc, root, index, value) => doc.getXmlFragment(root).insert(index, [build(value)])
}

/** Applies `[[operation, ...arguments], ...]` in one transaction. */
export const edit = (doc, operations) => doc.transact(() => {
  for (const [operation, ...args] of operations) {
    if (OPERATIONS[operation] === undefined) throw new Error(`no such edit: ${operation}`)
    OPERATIONS[operation](doc, ...args)
  }
})

/** A small seeded generator (mulberry32); `pick(n)` is an integer in [0, n). */
export const generator = (seed) => {
  let state = seed >>> 0
  const next = () => {
    state = (state + 0x6D2B79F5) >>> 0
    let mixed = state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  return { pick: (bound) => Math.floor(next() * bound), of: (choices) => choices[Math.floor(next() * choices.length)] }
}

const WORDS = ['a', 'Zeichen ', 'déjà vu ', '🙂', '\n', '漢字', 'longer words in a row ', '\u0000', 'e\u0301']

/**
 * The index, or the next one where it is inside a surrogate pair: no editor types there, and Yjs clients can disagree about
 * what is left of such a character.
 */
const betweenCharacters = (text, index) => {
  let start = 0
  for (const { insert } of text.toDelta()) {
    const length = typeof insert === 'string' ? insert.length : 1
    if (index < start + length) {
      return typeof insert === 'string' && /[\uDC00-\uDFFF]/.test(insert[index - start]) ? index + 1 : index
    }
    start += length
  }
  return index
}

const editText = (text, { pick, of }) => {
  const index = betweenCharacters(text, pick(text.length + 1))
  const rest = text.length - index
  const upTo = (most) => betweenCharacters(text, index + 1 + pick(Math.min(rest, most))) - index
  switch (pick(6)) {
    case 0:
    case 1:
      return text.insert(index, of(WORDS), of([undefined, {}, { bold: true }, { color: of(['red', 'blue']) }]))
    case 2:
      return rest > 0 && text.delete(index, upTo(6))
    case 3:
      return rest > 0 && text.format(index, upTo(rest), { [of(['bold', 'italic'])]: of([true, null]) })
    case 4:
      return text.insertEmbed(index, { image: `picture${pick(9)}.png` }, of([undefined, { width: pick(500) }]))
    default:
      return text.applyDelta([{ retain: index }, { insert: of(WORDS) }])
  }
}

const value = ({ pick, of }) => of([
  () => pick(1000), () => of(WORDS), () => null, () => of([true, false]), () => 1 / (1 + pick(9)), () => new Uint8Array([pick(256), 0]),
  () => ({ nested: [pick(9), { deep: of(WORDS) }] }), () => new Y.Map([['inner', pick(9)]]), () => Y.Array.from([pick(9), of(WORDS)])
])()

const editMap = (map, random) => {
  const key = `key${random.pick(6)}`
  const current = map.get(key)
  if (current instanceof Y.Map && random.pick(2)) return editMap(current, random)
  if (current instanceof Y.Array && random.pick(2)) return editArray(current, random)
  return random.pick(4) === 0 ? map.delete(key) : map.set(key, value(random))
}

const editArray = (array, random) => {
  const index = random.pick(array.length + 1)
  if (index < array.length && random.pick(3) === 0) {
    const current = array.get(index)
    if (current instanceof Y.Map) return editMap(current, random)
    return array.delete(index, 1)
  }
  return array.insert(index, Array.from({ length: 1 + random.pick(3) }, () => value(random)))
}

const editXml = (parent, random) => {
  const { pick, of } = random
  const index = pick(parent.length + 1)
  const child = index < parent.length ? parent.get(index) : null
  if (child instanceof Y.XmlText && pick(3) > 0) return editText(child, random)
  if (child instanceof Y.XmlElement) {
    switch (pick(4)) {
      case 0: return child.setAttribute(of(['class', 'level', 'src']), `${pick(99)}`)
      case 1: return child.removeAttribute(of(['class', 'level', 'src']))
      default: return editXml(child, random)
    }
  }
  if (child !== null && pick(3) === 0) return parent.delete(index, 1)
  return parent.insert(index, [of([() => new Y.XmlText(of(WORDS)), () => new Y.XmlElement(of(['p', 'h1', 'li']))])()])
}

/** The roots that random editing touches, by kind. */
export const RANDOM_ROOTS = { content: 'delta', settings: 'map', list: 'array', default: 'xml' }

/** `steps` random edits that follow from the seed and the document's state alone. */
export const editRandomly = (doc, seed, steps) => {
  const random = generator(seed)
  for (let step = 0; step < steps; step += 1) {
    doc.transact(() => {
      switch (random.pick(5)) {
        case 0:
        case 1: return editText(doc.getText('content'), random)
        case 2: return editMap(doc.getMap('settings'), random)
        case 3: return editArray(doc.getArray('list'), random)
        default: return editXml(doc.getXmlFragment('default'), random)
      }
    })
  }
}
