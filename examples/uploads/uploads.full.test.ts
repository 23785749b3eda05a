import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { request as send, type ClientRequest, type IncomingMessage } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startExample, type StartedExample } from '../../test/start-example.js'
import type { StorageOptions } from './storage.js'

const folder = fileURLToPath(new URL('.', import.meta.url))
const isInstalled = existsSync(join(folder, 'node_modules/s3rver'))
const suite = isInstalled || process.env['CI'] ? describe : describe.skip

const mebibyte = 1_048_576
const pdf = 'application/pdf'
const ada = { authorization: 'Bearer a' }
const bob = { authorization: 'Bearer b' }

interface Declared {
  readonly id: string
  readonly upload: { readonly url: string; readonly headers: Record<string, string>; readonly expires: string }
}

const start = (env: NodeJS.ProcessEnv) => startExample(folder, env)

/** A connection to the storage that can stall and break. The app has only this one. */
async function startProxy(port: number) {
  const sockets = new Set<Socket>()
  let isStalled = false
  const proxy = {
    received: 0,
    url: '',
    stall(value: boolean) {
      isStalled = value
      for (const socket of sockets) socket[value ? 'pause' : 'resume']()
    },
    /** Connections in which the storage waits for the rest of a body. */
    uploads: 0,
    break() {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    close: () => server.close(),
  }
  const server = createServer((socket) => {
    sockets.add(socket)
    const storage = connect(port, '127.0.0.1')
    let isUpload = false
    socket.on('data', (data) => {
      proxy.received += data.length
      if (
        !isUpload &&
        data.toString('latin1').startsWith('PUT ') &&
        !/x-amz-copy-source/i.test(data.toString('latin1'))
      ) {
        isUpload = true
        proxy.uploads++
      }
      if (!storage.write(data)) {
        socket.pause()
        storage.once('drain', () => isStalled || socket.resume())
      }
    })
    storage.on('data', (data) => {
      if (isUpload) proxy.uploads--
      isUpload = false
      socket.write(data)
    })
    socket.on('close', () => {
      if (isUpload) proxy.uploads--
      isUpload = false
      sockets.delete(socket)
      storage.destroy()
    })
    storage.on('close', () => socket.destroy())
    for (const side of [socket, storage]) side.on('error', () => {})
    if (isStalled) socket.pause()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return proxy
}

suite(`examples/uploads${isInstalled ? '' : ' (run npm ci --prefix examples/uploads --ignore-scripts)'}`, () => {
  const temporary = mkdtempSync(join(tmpdir(), 'byway-uploads-'))
  let local: StorageOptions & { close(): Promise<void> }
  let proxy: Awaited<ReturnType<typeof startProxy>>
  let server: StartedExample

  const post = (body: object, headers: Record<string, string> = ada): Promise<Response> =>
    fetch(`${server.url}/uploads`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify(body),
    })
  const declare = async (values: object = {}): Promise<Declared> => {
    const response = await post({ name: 'a.pdf', type: pdf, size: 10, ...values })
    expect(response.status).toBe(201)
    return (await response.json()) as Declared
  }
  const putTo = (url: string, body: string, type = pdf): Promise<Response> =>
    fetch(url, { method: 'PUT', headers: { 'content-type': type }, body })
  const complete = ({ id }: Declared, headers = ada): Promise<Response> =>
    fetch(`${server.url}/uploads/${id}/complete`, { method: 'POST', headers })
  const get = ({ id }: Declared, headers: Record<string, string> = ada): Promise<Response> =>
    fetch(`${server.url}/files/${id}`, { headers })
  const remove = ({ id }: Declared, headers = ada): Promise<Response> =>
    fetch(`${server.url}/files/${id}`, { method: 'DELETE', headers })
  const responses = new WeakMap<ClientRequest, Promise<{ status: number; text: string }>>()
  const responseOf = (request: ClientRequest): Promise<{ status: number; text: string }> => responses.get(request)!
  /** Begins to send a file through the server. Without a length, the body is chunked. */
  const begin = ({ id }: Declared, headers: Record<string, string> = {}): ClientRequest => {
    const options = { method: 'PUT', headers: { 'content-type': pdf, ...ada, ...headers } }
    const request = send(`${server.url}/files/${id}`, options).on('error', () => {})
    const response = new Promise<IncomingMessage>((resolve) => request.once('response', resolve)).then(
      async (incoming) => {
        let text = ''
        for await (const data of incoming.setEncoding('utf8')) text += data
        return { status: incoming.statusCode!, text }
      },
    )
    responses.set(request, response)
    return request
  }
  const objects = (): string[] =>
    readdirSync(temporary, { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('_object'))
      .map((path) => path.replaceAll('\\', '/').replace('uploads/', '').replace('._S3rver_object', ''))
      .sort()

  beforeAll(async () => {
    const { startLocalS3 } = await import('./local-s3.js')
    local = await startLocalS3(temporary)
    proxy = await startProxy(Number(new URL(local.endpoint).port))
    server = await start({
      S3_ENDPOINT: proxy.url,
      S3_BUCKET: local.bucket,
      S3_REGION: local.region,
      S3_ACCESS_KEY_ID: local.accessKeyId,
      S3_SECRET_ACCESS_KEY: local.secretAccessKey,
      TOKENS: 'a:ada,b:bob',
    })
  })
  afterAll(async () => {
    server?.child.kill('SIGKILL')
    proxy?.close()
    await local?.close()
    rmSync(temporary, { recursive: true, force: true })
  })

  it('compiles', async () => {
    await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit'], { cwd: folder })
  })

  it('uploads to the storage, downloads from it and deletes', async () => {
    const response = await post({ name: 'Report.pdf', type: pdf, size: 10 })
    const declared = (await response.json()) as Declared
    expect([response.status, response.headers.get('location')]).toEqual([201, `/files/${declared.id}`])
    expect(declared).not.toHaveProperty('owner')
    expect(declared.upload.headers).toEqual({ 'content-type': pdf })
    const seconds = (Date.parse(declared.upload.expires) - Date.now()) / 1_000
    expect(seconds > 200 && seconds <= 300).toBe(true)
    expect(objects()).toEqual([])

    expect((await complete(declared)).status).toBe(409)
    expect((await get(declared)).status).toBe(404)
    expect((await putTo(declared.upload.url, '0123456789')).status).toBe(200)
    const completed = await complete(declared)
    expect([completed.status, await completed.json()]).toEqual([
      200,
      { id: declared.id, name: 'Report.pdf', type: pdf, size: 10, isReady: true },
    ])
    expect((await complete(declared)).status).toBe(200)
    expect(objects()).toEqual([`files/${declared.id}`])

    const redirect = await fetch(`${server.url}/files/${declared.id}`, { headers: ada, redirect: 'manual' })
    expect([redirect.status, redirect.headers.get('cache-control')]).toEqual([307, 'no-store'])
    expect(redirect.headers.get('location')).toContain('X-Amz-Expires=60&')
    const download = await get(declared)
    expect(await download.text()).toBe('0123456789')
    expect(download.headers.get('content-type')).toBe(pdf)
    expect(download.headers.get('content-disposition')).toBe('attachment; filename="Report.pdf"')
    const part = await get(declared, { ...ada, range: 'bytes=2-4' })
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 2-4/10', '234'])

    expect((await remove(declared)).status).toBe(204)
    expect(objects()).toEqual([])
    expect([(await get(declared)).status, (await remove(declared)).status]).toEqual([404, 404])
    expect((await fetch(redirect.headers.get('location')!)).status).toBe(404)
  })

  it('uploads through the server, with a length and without', async () => {
    for (const headers of [{ 'content-length': '10' }, {}]) {
      const declared = await declare()
      const request = begin(declared, headers)
      request.write('01234')
      request.end('56789')
      expect(await responseOf(request)).toMatchObject({ status: 200, text: expect.stringContaining('"isReady":true') })
      expect(await (await get(declared)).text()).toBe('0123456789')
      expect((await responseOf(begin(declared).end('0123456789'))).status).toBe(409)
      expect((await remove(declared)).status).toBe(204)
    }
  })

  it.each([
    ['too many bytes', { size: 100 * mebibyte + 1 }, '/size'],
    ['no bytes', { size: 0 }, '/size'],
    ['half a byte', { size: 1.5 }, '/size'],
    ['HTML', { type: 'text/html' }, '/type'],
    ['SVG', { type: 'image/svg+xml' }, '/type'],
    ['a parameter of the type', { type: 'text/plain;charset=utf-8' }, '/type'],
    ['no name', { name: '' }, '/name'],
    ['a long name', { name: 'x'.repeat(256) }, '/name'],
  ])('responds with a 400 to the declaration of %s', async (_what, values, pointer) => {
    const response = await post({ name: 'a.pdf', type: pdf, size: 10, ...values })
    expect([response.status, response.headers.get('content-type')]).toEqual([400, 'application/problem+json'])
    expect(await response.json()).toMatchObject({ errors: [{ in: 'body', pointer }] })
  })

  it.each([
    ['one byte less', '012345678', pdf, (url: string) => url],
    ['one byte more', '0123456789+', pdf, (url: string) => url],
    ['another type', '0123456789', 'text/html', (url: string) => url],
    ['another key', '0123456789', pdf, (url: string) => url.replace('/incoming/', '/files/')],
    ['a key outside', '0123456789', pdf, (url: string) => url.replace('/incoming/', '/incoming/..%2F..%2F')],
    ['a later expiry', '0123456789', pdf, (url: string) => url.replace('Expires=300', 'Expires=3000')],
    ['another signature', '0123456789', pdf, (url: string) => url.replace(/.$/, (last) => (last === '0' ? '1' : '0'))],
    ['no signature', '0123456789', pdf, (url: string) => url.replace(/\?.*/, '')],
  ])('signs the upload, so that the storage rejects %s', async (_what, body, type, change) => {
    const declared = await declare()
    expect((await putTo(change(declared.upload.url), body, type)).status).toBe(403)
    expect(objects()).toEqual([])
    expect((await complete(declared)).status).toBe(409)
  })

  it('signs an expiry, which the storage checks', async () => {
    const { Storage } = await import('./storage.js')
    const url = await new Storage(local).presignPut('incoming/late', { name: 'a', type: pdf, size: 10 }, 1)
    await sleep(2_500)
    const response = await putTo(url, '0123456789')
    expect([response.status, await response.text()]).toEqual([403, expect.stringContaining('expired')])
    expect(objects()).toEqual([])
  })

  it('accepts an upload only if the storage has the declared size and type', async () => {
    const { Storage } = await import('./storage.js')
    const storage = new Storage(local)
    for (const actual of [
      { size: 3, type: pdf },
      { size: 10, type: 'text/html' },
    ]) {
      const declared = await declare()
      // A storage that does not enforce the signed headers.
      const url = await storage.presignPut(`incoming/${declared.id}`, { name: 'a', ...actual } as never, 60)
      expect((await putTo(url, 'x'.repeat(actual.size), actual.type)).status).toBe(200)
      const response = await complete(declared)
      expect([response.status, response.headers.get('content-type')]).toEqual([409, 'application/problem+json'])
      expect(objects()).toEqual([])
    }
  })

  it('does not change an accepted file if its URL is used again', async () => {
    const declared = await declare()
    await putTo(declared.upload.url, '0123456789')
    expect((await complete(declared)).status).toBe(200)
    expect((await putTo(declared.upload.url, 'overwrites')).status).toBe(200)
    expect((await complete(declared)).status).toBe(200)
    expect(await (await get(declared)).text()).toBe('0123456789')
    expect((await remove(declared)).status).toBe(204)
    expect(objects()).toEqual([])
  })

  it.each([
    ["it's.pdf", "it's.pdf"],
    ['a\r\nset-cookie: b.pdf', 'a__set-cookie: b.pdf'],
    ['Größe 日本 🎉.pdf', 'Größe 日本 🎉.pdf'],
    ['100% "a"; filename=b.exe', '100% "a"; filename=b.exe'],
    ['a+b & c(1)*.pdf', 'a+b & c(1)*.pdf'],
    ['../../etc/passwd', '.._.._etc_passwd'],
    ['..\\..\\a.pdf', '.._.._a.pdf'],
    ['/etc/passwd\0.pdf', '_etc_passwd_.pdf'],
    ['a\u202efdp.exe', 'a_fdp.exe'],
    ['\ud800.pdf', '\ufffd.pdf'],
  ])('downloads %j as %j', async (name, expected) => {
    const declared = await declare({ name })
    await putTo(declared.upload.url, '0123456789')
    expect(await (await complete(declared)).json()).toMatchObject({ name })
    expect(objects()).toEqual([`files/${declared.id}`])
    const response = await get(declared)
    expect([response.status, await response.text()]).toEqual([200, '0123456789'])
    const [, ascii, extended] = /^attachment; filename="([\x20-\x7e]*)"(?:; filename\*=UTF-8''([\w.%~!-]+))?$/.exec(
      response.headers.get('content-disposition')!,
    )!
    expect(ascii).not.toMatch(/["\\%/]/)
    expect(extended === undefined ? ascii : decodeURIComponent(extended)).toBe(expected)
    expect((await remove(declared)).status).toBe(204)
  })

  it('hides the files of another user, and requires a token', async () => {
    const declared = await declare()
    await putTo(declared.upload.url, '0123456789')
    const statuses = async (headers: typeof ada): Promise<number[]> => {
      const put = await responseOf(begin(declared, headers).end('0123456789'))
      return [(await complete(declared, headers)).status, (await get(declared, headers)).status, put.status].concat(
        (await remove(declared, headers)).status,
      )
    }
    expect(await statuses(bob)).toEqual([404, 404, 404, 404])
    expect(await statuses({ authorization: 'Bearer x' })).toEqual([401, 401, 401, 401])
    expect((await post({}, {})).status).toBe(401)
    expect((await complete(declared)).status).toBe(200)
    expect((await get({ ...declared, id: `..%2Ffiles%2F${declared.id}` })).status).toBe(404)
    expect((await remove(declared)).status).toBe(204)
  })

  describe('through the server', () => {
    // A failed test must not leave an upload that the next one counts.
    afterEach(async () => {
      await expect.poll(() => [proxy.uploads, objects()], { timeout: 10_000 }).toEqual([0, []])
    })

    it.each([
      ['a longer body with its length', { 'content-length': '11' }, ['0123456789+'], 413],
      ['a longer body without a length', {}, ['01234', '56789', '+'], 413],
      ['a longer body in one chunk', {}, ['0123456789+'], 413],
      ['a shorter body with its length', { 'content-length': '9' }, ['012345678'], 400],
      ['a shorter body without a length', {}, ['01234', '5678'], 400],
      ['no body', { 'content-length': '0' }, [], 400],
      ['a length over the limit', { 'content-length': String(100 * mebibyte + 1) }, ['01234'], 413],
      ['another type', { 'content-type': 'text/html' }, ['0123456789'], 415],
      ['another coding', { 'content-encoding': 'gzip' }, ['0123456789'], 415],
    ])('responds to %s with a problem, and stores nothing', async (_what, headers, chunks, status) => {
      const declared = await declare()
      const request = begin(declared, headers as Record<string, string>)
      for (const chunk of chunks) {
        request.write(chunk)
        await sleep(20)
      }
      if (!headers['content-length'] || Number(headers['content-length']) < 100) request.end()
      const { text, ...response } = await responseOf(request)
      expect(response.status).toBe(status)
      expect(JSON.parse(text)).toMatchObject({ status })
      request.destroy()
      expect((await complete(declared)).status).toBe(409)
      // The file is as before, so another try works.
      expect((await responseOf(begin(declared).end('0123456789'))).status).toBe(200)
      expect((await remove(declared)).status).toBe(204)
    })

    it('limits a body without a length to the limit of the route', async () => {
      const declared = await declare({ size: 100 * mebibyte })
      const request = begin(declared)
      const response = responseOf(request)
      const chunk = Buffer.alloc(mebibyte)
      for (let sent = 0; sent <= 100; sent++) if (!request.write(chunk)) await once(request, 'drain')
      request.end()
      expect((await response).status).toBe(413)
    })

    it('ends the upload to the storage when the client disconnects', async () => {
      const before = server.output()
      const declared = await declare({ size: 32 * mebibyte })
      const request = begin(declared, { 'content-length': String(32 * mebibyte) })
      request.write(Buffer.alloc(4 * mebibyte))
      await expect.poll(() => objects()).toEqual([`incoming/${declared.id}`])
      await expect.poll(() => proxy.uploads).toBe(1)
      // Only one request can change the file.
      expect([(await complete(declared)).status, (await remove(declared)).status]).toEqual([409, 409])
      request.destroy()
      await expect.poll(() => proxy.uploads).toBe(0)
      await expect.poll(() => objects()).toEqual([])
      await expect.poll(async () => (await remove(declared)).status).toBe(204)
      expect(server.output()).toBe(before)
    })

    it('responds with a 502 if the storage fails, and logs the error', async () => {
      const declared = await declare({ size: 32 * mebibyte })
      const request = begin(declared)
      request.write(Buffer.alloc(4 * mebibyte))
      await expect.poll(() => proxy.uploads).toBe(1)
      proxy.break()
      const { status, text } = await responseOf(request)
      expect([status, JSON.parse(text)]).toEqual([502, expect.objectContaining({ detail: 'The storage failed.' })])
      request.destroy()
      await expect.poll(() => server.output()).toContain('StorageError')
      await expect.poll(async () => (await remove(declared)).status).toBe(204)
    })

    it.runIf(process.platform === 'linux')('buffers little of a 96 MiB upload in memory', async () => {
      const rss = (): number =>
        Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.child.pid}/status`, 'utf8'))![1]) / 1_024
      let peak = 0
      let sentWhileStalled = Infinity
      const timer = setInterval(() => (peak = Math.max(peak, rss())), 5)
      const chunk = Buffer.alloc(mebibyte / 4)
      const upload = async (mebibytes: number, stall = 0): Promise<number> => {
        const declared = await declare({ size: mebibytes * mebibyte })
        const request = begin(declared)
        const response = responseOf(request)
        const idle = rss()
        peak = 0
        for (let sent = 0; sent < mebibytes * mebibyte; sent += chunk.length) {
          if (stall && sent === 8 * mebibyte) {
            proxy.stall(true)
            setTimeout(() => {
              sentWhileStalled = sent
              proxy.stall(false)
            }, stall)
          }
          if (!request.write(chunk)) await once(request, 'drain')
        }
        request.end()
        expect((await response).status).toBe(200)
        expect((await remove(declared)).status).toBe(204)
        return peak - idle
      }
      await upload(16)
      const growths = [await upload(96), await upload(96, 3_000)]
      clearInterval(timer)
      // V8 collects buffers only after about 32 MiB of them.
      for (const growth of growths) expect(growth, 'MiB').toBeLessThan(48)
      // While the storage stalls, backpressure stops the client. Only socket buffers hold more data.
      expect(sentWhileStalled / mebibyte, 'MiB').toBeLessThan(40)
    })
  })

  it('documents the status of each problem', async () => {
    const { paths } = (await (await fetch(`${server.url}/docs/openapi.json`)).json()) as {
      paths: Record<string, Record<string, { responses: object }>>
    }
    const statuses = Object.entries(paths).flatMap(([path, operations]) =>
      Object.entries(operations)
        .filter(([, operation]) => operation.responses)
        .map(([method, { responses }]) => [`${method} ${path}`, Object.keys(responses).join(' ')]),
    )
    expect(Object.fromEntries(statuses)).toEqual({
      'post /uploads': '201 400 401 413 415 502',
      'post /uploads/{id}/complete': '200 401 404 409 502',
      'get /files/{id}': '307 401 404 502',
      'put /files/{id}': '200 400 401 404 409 413 415 502',
      'delete /files/{id}': '204 401 404 409 502',
    })
  })

  it('starts its own storage if none is configured, and exits with 0 after SIGTERM', async () => {
    expect(await server.stop()).toBe(0)
    const own = mkdtempSync(join(tmpdir(), 'byway-uploads-'))
    server = await start({ S3_FOLDER: own })
    const declared = (await (
      await post({ name: 'a.pdf', type: pdf, size: 10 }, { authorization: 'Bearer ada' })
    ).json()) as Declared
    expect((await putTo(declared.upload.url, '0123456789')).status).toBe(200)
    expect((await complete(declared, { authorization: 'Bearer ada' })).status).toBe(200)
    expect(await server.stop()).toBe(0)
    rmSync(own, { recursive: true })
  })

  it('ends with an error that names the missing variable', async () => {
    await expect(start({ S3_ENDPOINT: 'http://127.0.0.1:1' })).rejects.toThrow('set S3_BUCKET')
  })
})
