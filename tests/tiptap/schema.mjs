/** The extensions of the editor that the tests run, in Node and in the browser. */
import Image from '@tiptap/extension-image'
import { TaskItem, TaskList } from '@tiptap/extension-list'
import { TableKit } from '@tiptap/extension-table'
import TextAlign from '@tiptap/extension-text-align'
import StarterKit from '@tiptap/starter-kit'

export const extensions = [
  StarterKit.configure({ undoRedo: false }),
  TableKit,
  TaskList,
  TaskItem.configure({ nested: true }),
  Image,
  TextAlign.configure({ types: ['heading', 'paragraph'] }),
]
