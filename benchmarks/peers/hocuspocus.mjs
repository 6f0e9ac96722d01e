// A Hocuspocus server in memory, or with a SQLite file: node hocuspocus.mjs PORT [FILE]
// The packages are looked up from the working folder, where they are installed.
import { createRequire } from 'node:module'
import { join } from 'node:path'

const require = createRequire(join(process.cwd(), 'package.json'))
const { Server } = require('@hocuspocus/server')
const [port, file] = process.argv.slice(2)
const extensions = []
if (file) {
  const { SQLite } = require('@hocuspocus/extension-sqlite')
  extensions.push(new SQLite({ database: file }))
}
const server = new Server({ address: '127.0.0.1', port: Number(port), quiet: true, extensions })
await server.listen()
