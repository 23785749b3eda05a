// A file that is not in memory, sent as a whole, in parts, or not at all if the client has it.
import { createReadStream } from 'node:fs'
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { route, router } from 'byway'
import * as reply from 'byway/reply'

const directory = await mkdtemp(join(tmpdir(), 'byway-files-'))
const path = join(directory, 'report.txt')
await writeFile(path, 'Every number of the year, from the first to the last.')

const report = route('/report').get(async (request) => {
  const { size, mtime } = await stat(path)
  // Called only if bytes are sent, and only for these bytes.
  const stream = (start: number, end: number) => createReadStream(path, { start, end: end - 1 })
  return reply.file(
    request,
    { size, stream },
    { type: 'text/plain;charset=UTF-8', lastModified: mtime, name: 'Jahresübersicht.txt' },
  )
})

const app = router({ report })
const get = (headers: Record<string, string> = {}) => app.fetch(new Request('http://localhost/report', { headers }))

const whole = await get()
console.log(whole.status, await whole.text())
console.log(whole.headers.get('content-disposition'))
const part = await get({ range: 'bytes=6-11' })
console.log(part.status, part.headers.get('content-range'), await part.text())
console.log((await get({ 'if-none-match': whole.headers.get('etag')! })).status)
console.log((await get({ range: 'bytes=100-' })).status)
await rm(directory, { recursive: true })
