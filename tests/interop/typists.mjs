import * as Y from 'yjs'

/**
 * Somebody who types one character after the other at a caret, which is kept as editors keep it: a Yjs relative position,
 * found again before every keystroke, and shown to the others.
 *
 * Every character is typed once only, so that each can be looked for: the code points from `from` on. `assoc` is the
 * caret's side: 0 keeps to the character behind it (what y-codemirror publishes), -1 to the one before it (what CodeMirror
 * does with its own caret). A keystroke comes after `pause` milliseconds at the most.
 */
export class Typist {
  constructor (client, { root, index, from, assoc, pause, name }) {
    this.client = client
    this.text = client.doc.getText(root)
    this.next = from
    this.typed = ''
    this.assoc = assoc
    this.pause = pause
    this.place(index)
    client.awareness.setLocalStateField('user', { name })
    this.type()
  }

  place (index) {
    this.caret = Y.createRelativePositionFromTypeIndex(this.text, index, this.assoc)
    this.client.awareness.setLocalStateField('cursor', { anchor: this.caret, head: this.caret })
  }

  get index () {
    const found = Y.createAbsolutePositionFromRelativePosition(this.caret, this.text.doc)
    return found?.type === this.text ? found.index : null
  }

  type () {
    const character = String.fromCodePoint(this.next)
    const index = this.index
    this.next += 1
    this.typed += character
    this.text.insert(index, character)
    this.place(index + character.length)
    this.timer = setTimeout(() => this.type(), Math.random() * this.pause)
  }

  /** Ends; what was typed, and the text on both sides of the caret. */
  stop () {
    clearTimeout(this.timer)
    return this.typed
  }

  around () {
    const text = this.text.toString()
    return this.index === null ? null : [text.slice(0, this.index), text.slice(this.index)]
  }
}

/** The text before the cursors of the others, by client id: as y-codemirror finds them, from the JSON as it came. */
export const beforeCursors = ({ doc, awareness }, root) => {
  const text = doc.getText(root)
  const found = {}
  for (const [client, { cursor }] of awareness.getStates()) {
    if (client === doc.clientID || cursor == null) continue
    const [anchor, head] = [cursor.anchor, cursor.head].map((at) => Y.createAbsolutePositionFromRelativePosition(at, doc))
    if (anchor?.type === text && head?.index === anchor.index) found[client] = text.toString().slice(0, head.index)
  }
  return found
}
