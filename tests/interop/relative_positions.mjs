/**
 * What real Yjs makes of relative positions.
 *
 * A line in is `{"update": ..., "root": ..., "fragment": bool, "positions": [...]}`, bytes as base64. Its answer is a list
 * of `{"index", "again", "mine"}` for each position: the index in its type, the position as Yjs encodes it, and a
 * position that Yjs makes of the same index and assoc (null where there is none). The argument names the package of Yjs.
 */
import { createInterface } from 'node:readline'

const Y = await import(process.argv[2])

const bytes = text => new Uint8Array(Buffer.from(text, 'base64'))
const text = encoded => Buffer.from(encoded).toString('base64')

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line)
  const doc = new Y.Doc()
  if (question.fragment) doc.getXmlFragment(question.root)
  else doc.getText(question.root)
  Y.applyUpdate(doc, bytes(question.update))
  const answer = question.positions.map(encoded => {
    const position = Y.decodeRelativePosition(bytes(encoded))
    const place = Y.createAbsolutePositionFromRelativePosition(position, doc)
    const mine = place && Y.createRelativePositionFromTypeIndex(place.type, place.index, position.assoc)
    return {
      index: place && place.index,
      again: text(Y.encodeRelativePosition(position)),
      mine: mine && text(Y.encodeRelativePosition(mine))
    }
  })
  process.stdout.write(JSON.stringify(answer) + '\n')
}
