// reply.file: what it takes, and what a client reads.
import { createReadStream } from 'node:fs'
import { type Problem, route, router } from 'byway'
import * as reply from 'byway/reply'
import { createClient } from 'byway/client'
import { expectAssignable, expectError, expectType } from 'tsd'

declare const request: Request
declare const bytes: Uint8Array<ArrayBuffer>
declare const type: string

// ── what it takes ──

reply.file(request, new Blob())
reply.file(request, bytes)
reply.file(request, bytes.buffer)
reply.file(request, new DataView(bytes.buffer))
reply.file(request, { size: 1, stream: (start, end) => createReadStream('a', { start, end: end - 1 }) })
reply.file(request, { size: 1, stream: () => new Blob().stream() })
reply.file(request, {
  size: 1,
  async *stream(start, end) {
    expectType<[number, number]>([start, end])
    yield bytes
  },
})
reply.file(request, bytes, {
  lastModified: new Date(),
  etag: '"a"',
  name: 'a',
  disposition: 'inline',
  headers: { vary: 'a' },
})
reply.file(request, bytes, { lastModified: 0 })
expectAssignable<reply.FileBody>(new File([], 'a'))
expectAssignable<reply.FileSource>({ size: 1, stream: () => [bytes] })

expectError(reply.file(bytes))
expectError(reply.file(request, 'text'))
expectError(reply.file(request, { size: 1 }))
expectError(reply.file(request, { size: 1, stream: () => ['text'] }))
expectError(reply.file(request, bytes, { status: 201 }))
expectError(reply.file(request, bytes, { lastModified: '2026-03-01' }))
expectError(reply.file(request, bytes, { disposition: 'download' }))

// ── what a client reads ──

expectAssignable<reply.FileReply<'application/octet-stream'>>(reply.file(request, bytes))
const app = router({
  blob: route('/blob').get((request) => reply.file(request, bytes)),
  image: route('/image').get((request) => reply.file(request, bytes, { type: 'image/png' })),
  text: route('/text').get((request) => reply.file(request, bytes, { type: 'text/csv;charset=UTF-8' })),
  json: route('/json').get((request) => reply.file(request, bytes, { type: 'application/json' })),
  any: route('/any').get((request) => reply.file(request, bytes, { type })),
})
const api = createClient<typeof app>({ baseUrl: 'http://test' })

const blob = await api('/blob').get()
if (blob.status === 200 || blob.status === 206) expectType<Blob>(blob.data)
if (blob.status === 412) expectAssignable<Problem<412>>(blob.error)
if (blob.status === 416) expectAssignable<Problem<416>>(blob.error)
expectType<200 | 206 | 412 | 416>(blob.status)
const image = await api('/image').get()
if (image.status === 200) expectType<Blob>(image.data)
const text = await api('/text').get()
if (text.status === 200) expectType<string>(text.data)
const json = await api('/json').get()
if (json.status === 200) expectType<unknown>(json.data)
const any = await api('/any').get()
if (any.status === 200) expectType<unknown>(any.data)
