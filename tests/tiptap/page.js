/** A Tiptap editor on a document of the server that this page comes from: `start(address)`. */
import { Editor } from '@tiptap/core'
import Collaboration from '@tiptap/extension-collaboration'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { extensions } from './schema.mjs'

const base64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))

/** The id of the Yjs item of each top block, by the block's text. */
const items = (doc) => Object.fromEntries(doc.getXmlFragment('default').toArray()
  .map((type) => [type.toString().replace(/<[^>]*>/g, ''), `${type._item.id.client}:${type._item.id.clock}`]))

window.start = (address) => new Promise((resolve) => {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(`${location.origin.replace('http', 'ws')}/ws`, address, doc, { disableBc: true })
  provider.once('sync', () => {
    const editor = new Editor({
      element: document.querySelector('main'),
      extensions: [...extensions, Collaboration.configure({ document: doc })],
    })
    window.tiptap = {
      editor,
      items: () => items(doc),
      update: () => base64(Y.encodeStateAsUpdate(doc)),
      check: () => editor.state.doc.check(),
      /** The text of the block with the cursor, before it and behind it. */
      around: () => {
        const { $head } = editor.state.selection
        return [$head.parent.textBetween(0, $head.parentOffset), $head.parent.textBetween($head.parentOffset, $head.parent.content.size)]
      },
      /** Put the cursor behind the first occurrence of this text. Tiptap's own focus() waits for the next frame: keys before it are lost. */
      behind: (text) => {
        let found = null
        editor.state.doc.descendants((node, at) => {
          const index = node.isText ? node.text.indexOf(text) : -1
          if (found === null && index >= 0) found = at + index + text.length
        })
        editor.commands.setTextSelection(found)
        editor.view.focus()
      },
    }
    resolve()
  })
})
