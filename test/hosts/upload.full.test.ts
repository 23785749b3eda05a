import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { bytes, form, route, router, stream, text } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'

const limit = 1_048_576
const mebibyte = 1_048_576
const multipart = 'multipart/form-data; boundary=b'

// The first bytes of each upload. The tests send more data after them.
const uploads = [
  ['a file', '/form', multipart, '--b\r\nContent-Disposition: form-data; name="a"; filename="a.bin"\r\n\r\n'],
  ['a field', '/form', multipart, '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n'],
  ["a part's head", '/form', multipart, '--b\r\nContent-Disposition: form-data; name="'],
  ['a multipart preamble', '/form', multipart, ''],
  ['an urlencoded form', '/form', 'application/x-www-form-urlencoded', 'a='],
  ['JSON', '/body', 'application/json', '"'],
  ['a stream', '/stream', 'video/mp4', ''],
] as const

describe('an upload over the limit, over a connection', () => {
  let server: ChildProcess
  let url: string
  let idle: number
  const peak = async (): Promise<number> => (await fetch(`${url}/peak`)).json() as Promise<number>

  beforeAll(async () => {
    const script = fileURLToPath(new URL('fixtures/upload.ts', import.meta.url))
    server = spawn(process.execPath, ['--expose-gc', '--conditions=byway-source', '--import', 'tsx', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    url = String((await once(server.stdout!, 'data'))[0]).trim()
    idle = await peak()
  })
  afterAll(() => void server.kill())

  it.each(uploads)(
    'of %s gets a 413 before its end, and a gigabyte uses less than 40 MiB',
    async (_what, path, type, head) => {
      const told = await upload(url, path, type, head, 1_024 * mebibyte)
      expect(told.status).toBe(413)
      // The limit, and the buffers of two sockets.
      expect(told.sentBefore).toBeLessThan(limit + 32 * mebibyte)
      // The server read and dropped the rest, so the connection is usable for another request.
      expect(told).toMatchObject({ sent: 1_024 * mebibyte, next: 200 })
      expect((await peak()) - idle, 'MiB').toBeLessThan(40)
    },
  )

  it.each(['/unread', '/begun'])(
    'of a stream that the handler of %s does not read completely keeps the connection usable',
    async (path) => {
      const told = await upload(url, path, 'video/mp4', '', 32 * mebibyte)
      expect(told).toMatchObject({ status: 409, sent: 32 * mebibyte, next: 200 })
      expect((await peak()) - idle, 'MiB').toBeLessThan(40)
    },
  )
})

describe('an endless body, in process', () => {
  const onError = vi.fn()
  const readAll = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<number> =>
    (await new Response(stream).arrayBuffer()).byteLength
  const app = router(
    {
      form: route('/form').post({ body: form(z.any()) }, () => 'all of it'),
      body: route('/body').post({ body: z.any() }, () => 'all of it'),
      text: route('/text').post({ body: text(z.any()) }, () => 'all of it'),
      bytes: route('/bytes').post({ body: bytes(z.any()) }, () => 'all of it'),
      stream: route('/stream').post({ body: stream('*/*') }, (_request, { body: stream }) => readAll(stream)),
      unread: route('/unread').post({ body: stream('*/*') }, () => reply.problem(409)),
      small: route('/small').post({ body: form(z.any()), bodyLimit: 1_000 }, () => 'all of it'),
      large: route('/large').post({ body: form(z.any()), bodyLimit: 8 * mebibyte }, () => 'all of it'),
    },
    { onError },
  )
  const chunk = 16_384

  it.each([
    ...uploads.map((upload) => [...upload, 413, limit] as const),
    ['text', '/text', 'text/plain', '', 413, limit] as const,
    ['bytes', '/bytes', 'image/png', '', 413, limit] as const,
    ['a file with a smaller limit', '/small', multipart, uploads[0][3], 413, 1_000] as const,
    ['a file with a larger limit', '/large', multipart, uploads[0][3], 413, 8 * mebibyte] as const,
    ['a stream that the handler does not read', '/unread', 'video/mp4', '', 409, 0] as const,
  ])('of %s is read up to the limit', async (_what, path, type, head, status, most) => {
    let pulled = 0
    let canceled = 0
    const cancels = status === 413 ? 1 : 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        const bytes = new TextEncoder().encode(pulled === 0 && head ? head : 'x'.repeat(chunk))
        pulled += bytes.length
        controller.enqueue(bytes)
      },
      cancel: () => void canceled++,
    })
    const init = { method: 'POST', headers: { 'content-type': type }, body, duplex: 'half' }
    const response = await app.fetch(new Request(`http://test${path}`, init as RequestInit))
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    await sleep(20)
    expect(canceled).toBe(cancels)
    // With the chunk that exceeds the limit, and the chunks in queues.
    expect(pulled).toBeGreaterThan(most)
    expect(pulled).toBeLessThanOrEqual(most + 4 * chunk)
    const before = pulled
    await sleep(20)
    expect(pulled).toBe(before)
    expect(onError).not.toHaveBeenCalled()
  })
})

interface Told {
  readonly status: number
  /** The bytes of the body that the client had sent when the response arrived. */
  readonly sentBefore: number
  readonly sent: number
  /** The status of a second request on the same connection. */
  readonly next: number
}

/** Sends all `size` bytes of a chunked body, even if a response arrives before its end. */
async function upload(url: string, path: string, type: string, head: string, size: number): Promise<Told> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').setEncoding('latin1')
  let text = ''
  let sent = 0
  let sentBefore = Infinity
  socket.on('data', (data: unknown) => {
    if (!text) sentBefore = sent
    text += String(data)
  })
  const write = async (data: string | Buffer): Promise<void> => {
    if (!socket.write(data)) await once(socket, 'drain')
    // If the kernel accepts a write immediately, the response would not be read in between.
    await new Promise(setImmediate)
  }
  const frame = (data: string): Buffer => Buffer.from(`${data.length.toString(16)}\r\n${data}\r\n`)
  await write(`POST ${path} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Type: ${type}\r\n\r\n`)
  if (head) await write(frame(head))
  const chunk = frame('x'.repeat(mebibyte / 4))
  for (; sent < size; sent += mebibyte / 4) await write(chunk)
  await write('0\r\n\r\nGET /peak HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
  if (!socket.closed) await once(socket, 'close')
  const [status, next] = [...text.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status))
  return { status: status!, sentBefore, sent, next: next! }
}
