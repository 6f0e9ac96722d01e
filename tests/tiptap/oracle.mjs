/**
 * What Tiptap's binding makes of a document. A line in is `{"write": <ProseMirror JSON>}`, answered by
 * `{"update": hex}`, or `{"read": hex}`, answered by `{"json": ..., "deleted": n}`: the tree that the editor shows, checked against
 * its schema, and how many items the binding threw away because they do not fit.
 */
import { createInterface } from 'node:readline'
import { getSchema } from '@tiptap/core'
import { prosemirrorJSONToYDoc, yXmlFragmentToProseMirrorRootNode } from '@tiptap/y-tiptap'
import * as Y from 'yjs'
import { extensions } from './schema.mjs'

const schema = getSchema(extensions)

const write = (json) => {
  const doc = prosemirrorJSONToYDoc(schema, json, 'default')
  return { update: Buffer.from(Y.encodeStateAsUpdate(doc)).toString('hex') }
}

const read = (hex) => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, Buffer.from(hex, 'hex'))
  let deleted = 0
  doc.on('afterTransaction', (transaction) => { deleted += transaction.deleteSet.clients.size })
  const node = yXmlFragmentToProseMirrorRootNode(doc.getXmlFragment('default'), schema)
  node.check()
  return { json: node.toJSON(), deleted }
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line)
  let answer
  try {
    answer = 'write' in question ? write(question.write) : read(question.read)
  } catch (error) {
    answer = { error: String(error) }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
