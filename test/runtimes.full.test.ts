import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import {
  createServer as createUpstream,
  get,
  request,
  type IncomingMessage,
  type RequestListener,
  type Server,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, brotliDecompressSync, deflateSync, gunzipSync, gzipSync, inflateSync } from 'node:zlib'
import { build, type BuildOptions } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  binaries,
  freePort,
  isMissing,
  oldestDate,
  start,
  writeWorkerdConfig,
  type HostName,
} from './runtimes/hosts.js'

// The built package as a default export on other hosts. `npm ci --prefix test/runtimes` installs them.
const here = fileURLToPath(new URL('runtimes', import.meta.url))
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'byway-runtimes-'))
const bundle = join(folder, 'app.mjs')
// With the condition of the host, as in an app that is not bundled.
const own = { bun: join(folder, 'bun.mjs'), deno: join(folder, 'deno.mjs') }

const hosts: Record<string, { binary: HostName; args: (port: number) => string[]; ip: boolean }> = {
  Bun: {
    binary: 'Bun',
    args: (port) => ['run', '--port', String(port), own.bun],
    ip: true,
  },
  Deno: {
    binary: 'Deno',
    args: (port) => [
      'serve',
      '--no-config',
      '--allow-net=127.0.0.1',
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      own.deno,
    ],
    ip: true,
  },
  workerd: {
    binary: 'workerd',
    args: (port) => ['serve', writeWorkerdConfig(folder, 'app.mjs', port, '2026-08-10')],
    ip: false,
  },
  'workerd with the oldest compatibility date': {
    binary: 'workerd',
    args: (port) => ['serve', writeWorkerdConfig(folder, 'app.mjs', port, oldestDate, ['nodejs_compat'])],
    ip: false,
  },
  'Node 24': {
    binary: 'Node 24',
    args: (port) => {
      const main = join(folder, 'main.mjs')
      const node = join(root, 'dist/hosts/node.js')
      writeFileSync(
        main,
        `import app from './app.mjs'\nimport { serve } from ${JSON.stringify(node)}\nserve(app, { port: ${port} })`,
      )
      return [main]
    },
    ip: true,
  },
}

// Each path is the content coding of its response, whatever the request accepts.
const text = 'hello '.repeat(30)
const codings = new Map<string, Buffer>([
  ['gzip', gzipSync(text)],
  ['GZIP', gzipSync(text)],
  ['x-gzip', gzipSync(text)],
  ['deflate', deflateSync(text)],
  ['br', brotliCompressSync(text)],
  ['zstd', toZstd(text)],
  ['gzip, br', brotliCompressSync(gzipSync(text))],
  ['identity', Buffer.from(text)],
])
const upstream = createUpstream(async (incoming, outgoing) => {
  // Two of three responses end early.
  if (incoming.url!.startsWith('/cut/')) {
    if (++cuts % 3 === 0) return void outgoing.writeHead(200, { 'content-type': 'application/json' }).end('"whole"')
    outgoing.writeHead(200, { 'content-type': 'application/json', 'content-length': 100 }).write('"half')
    return void setTimeout(() => incoming.socket.destroy(), 20)
  }
  const coding = decodeURIComponent(incoming.url!.slice(1))
  const body = codings.get(coding)
  if (body)
    outgoing
      .writeHead(200, { 'content-encoding': coding, 'content-length': body.length, etag: '"1"' })
      .end(incoming.method === 'HEAD' ? undefined : body)
  else {
    let size = 0
    for await (const chunk of incoming) size += (chunk as Buffer).length
    outgoing.end(String(size))
  }
})
let upstreamOrigin = ''
let cuts = 0
let elsewhere: Server
let elsewhereOrigin = ''

beforeAll(async () => {
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  upstreamOrigin = `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`
  const options: BuildOptions = {
    entryPoints: [join(here, 'app.mjs')],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    external: ['node:*'],
    logLevel: 'error',
    plugins: [
      {
        name: 'byway',
        setup: (build) =>
          // From the root, whose package.json has the entries.
          build.onResolve({ filter: /^byway/ }, ({ path, kind, pluginData }) =>
            pluginData === root ? undefined : build.resolve(path, { resolveDir: root, kind, pluginData: root }),
          ),
      },
    ],
  }
  await build({ ...options, outfile: bundle })
  for (const [condition, outfile] of Object.entries(own)) await build({ ...options, outfile, conditions: [condition] })
  const [{ default: app }, { toNodeHandler }] = (await Promise.all([
    import(/* @vite-ignore */ bundle),
    import('../dist/node.js' as string),
  ])) as [{ default: unknown }, { toNodeHandler(app: unknown): RequestListener }]
  elsewhere = createUpstream(toNodeHandler(app))
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve))
  elsewhereOrigin = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
  for (const server of [upstream, elsewhere]) {
    server?.closeAllConnections()
    server?.close()
  }
})

describe.each(Object.entries(hosts))('on %s', (_name, { binary, args, ip }) => {
  const missing = isMissing(binary)
  let child: ChildProcess | undefined
  let origin = ''

  beforeAll(async () => {
    if (missing) return
    const port = await freePort()
    origin = `http://127.0.0.1:${port}`
    child = await start(binaries[binary], args(port), origin)
  })
  afterAll(() => void child?.kill('SIGKILL'))

  it.skipIf(missing)('responds with params, decoded once', async () => {
    const response = await fetch(`${origin}/hello/a%2Fb%20c?x=1`)
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/json'])
    expect(await response.json()).toEqual({ name: 'a/b c', search: '?x=1' })
  })

  it.skipIf(missing)('keeps the headers of each response its own', async () => {
    const read = async (value: string) => {
      const { headers } = await fetch(`${origin}/headers/${value}`)
      return [headers.get('content-type'), headers.get('x-value')]
    }
    for (const value of ['a', 'b']) expect(await read(value)).toEqual(['text/changed', value])
    expect(await read('none')).toEqual(['application/json', null])
  })

  it.skipIf(missing)('reads a body within its limit, and rejects a larger one', async () => {
    const text = 'ä'.repeat(200_000)
    const response = await fetch(`${origin}/echo`, { method: 'POST', body: text })
    expect([response.status, await response.text()]).toEqual([201, text])
    const refused = await fetch(`${origin}/echo`, { method: 'POST', body: 'x'.repeat(500_001) })
    expect([refused.status, refused.headers.get('content-type')]).toEqual([413, 'application/problem+json'])
  })

  it.skipIf(missing)('caches responses by what their handlers read, and invalidates them by tag', async () => {
    const ask = async (what: string, user: string, init: RequestInit = {}): Promise<readonly [string, string]> => {
      const headers = { cookie: `user=${user}`, 'accept-language': 'de', ...init.headers }
      const response = await fetch(`${origin}/cached/${what}?user=${user}`, { ...init, headers })
      return [await response.text(), response.headers.get('cache-status') ?? '']
    }
    for (const what of ['nothing', 'language', 'found', 'stream']) {
      const [first, miss] = await ask(what, 'a')
      const [second, hit] = await ask(what, 'b')
      expect([what, second]).toEqual([what, first])
      expect([miss, hit]).toEqual([expect.stringContaining('stored'), expect.stringMatching(/^byway; hit|collapsed/)])
    }
    expect((await ask('language', 'a', { headers: { 'accept-language': 'fr' } }))[0]).toContain('"fr"')
    for (const what of ['cookie', 'headers', 'clone', 'query', 'url']) {
      const [first, one] = await ask(what, 'a')
      const [second, two] = await ask(what, 'bb')
      expect([what, second === first]).toEqual([what, false])
      expect([one, two]).toEqual([expect.stringContaining('reads '), expect.stringContaining('reads ')])
    }
    const [before] = await ask('found', 'a')
    await fetch(`${origin}/cached/found`, { method: 'DELETE' })
    expect((await ask('found', 'a'))[0]).not.toBe(before)
    const etag = (await fetch(`${origin}/cached/nothing`)).headers.get('etag')!
    expect((await fetch(`${origin}/cached/nothing`, { headers: { 'if-none-match': etag } })).status).toBe(304)
    const part = await fetch(`${origin}/cached/nothing`, { headers: { range: 'bytes=0-1' } })
    expect([part.status, await part.text()]).toEqual([206, '{"'])
  })

  it.skipIf(missing)('runs a stack of middleware: a session, compression, a rate limit and headers', async () => {
    const first = await fetch(`${origin}/shelf`)
    const [cookie = ''] = first.headers.getSetCookie().map((line) => line.split(';')[0]!)
    expect([first.status, await first.json()]).toEqual([200, { count: 1, text: 'x'.repeat(5_000) }])
    for (const name of ['x-request-id', 'strict-transport-security', 'server-timing', 'ratelimit', 'etag'])
      expect([name, first.headers.has(name)]).toEqual([name, true])
    const second = await fetch(`${origin}/shelf`, { headers: { cookie } })
    expect(((await second.json()) as { count: number }).count).toBe(2)
    const coding = (accept: string) =>
      new Promise<readonly [string | undefined, Buffer]>((resolve, reject) => {
        get(`${origin}/shelf`, { headers: { 'accept-encoding': accept } }, (response) => {
          const chunks: Buffer[] = []
          response
            .on('data', (chunk: Buffer) => void chunks.push(chunk))
            .on('end', () => resolve([response.headers['content-encoding'], Buffer.concat(chunks)]))
        }).on('error', reject)
      })
    const [name, body] = await coding('gzip')
    expect([name, JSON.parse(gunzipSync(body).toString())]).toEqual(['gzip', { count: 1, text: 'x'.repeat(5_000) }])
    expect((await coding('identity'))[0]).toBeUndefined()
  })

  it.skipIf(missing)('checks a user name and a password', async () => {
    const send = async (password: string) =>
      (await fetch(`${origin}/basic`, { headers: { authorization: `Basic ${btoa(`ann:${password}`)}` } })).status
    expect([await send('secret'), await send('wrong')]).toEqual([200, 401])
  })

  it.skipIf(missing)('runs a mounted module of Next.js, each request with its own context', async () => {
    const ids = ['a', 'b', 'c', 'd']
    const responses = await Promise.all(ids.map((id) => fetch(`${origin}/next/${id}`, { headers: { 'x-agent': id } })))
    for (const [index, response] of responses.entries()) {
      const id = ids[index]!
      expect(await response.json()).toEqual({ id, agent: id, path: `/next/${id}` })
      expect(response.headers.get('set-cookie')).toBe(`seen=${id}; Path=/`)
    }
    const moved = await fetch(`${origin}/next/redirect`, { redirect: 'manual' })
    expect([moved.status, moved.headers.get('location')]).toEqual([307, '/next/a'])
  })

  it.skipIf(missing)('serves its document and its docs page', async () => {
    const page = await fetch(`${origin}/docs`)
    expect([page.status, page.headers.get('content-type')]).toEqual([200, 'text/html; charset=utf-8'])
    const [, script] = /<script[^>]* src="([^"]+)"/.exec(await page.text())!
    expect((await fetch(new URL(script!, page.url))).status).toBe(200)
    expect(await (await fetch(`${origin}/docs/openapi.json`)).json()).toMatchObject({ paths: { '/hello/{name}': {} } })
  })

  it.skipIf(missing)('passes a body to the handler as a stream, and rejects a body over its limit', async () => {
    const send = (chunks: number): Promise<Response> => {
      let sent = 0
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (sent++ < chunks) controller.enqueue(new Uint8Array(100_000))
          else controller.close()
        },
      })
      return fetch(`${origin}/upload`, { method: 'POST', body, duplex: 'half' } as RequestInit)
    }
    const response = await send(30)
    expect([response.status, await response.json()]).toEqual([200, { size: 3_000_000 }])
    const refused = await send(41)
    expect([refused.status, refused.headers.get('content-type')]).toEqual([413, 'application/problem+json'])
    expect((await send(1)).status).toBe(200)
  })

  it.skipIf(missing)('reads forms, and files in them', async () => {
    const send = async (body: BodyInit): Promise<unknown> =>
      (await fetch(`${origin}/form`, { method: 'POST', body })).json()
    expect(await send(new URLSearchParams({ title: 'a & ä' }))).toEqual({ title: 'a & ä' })
    const form = new FormData()
    form.set('title', 'a & ä')
    form.set('file', new File(['one\r\n', 'two'], 'ä.txt', { type: 'text/plain' }))
    // Bun derives the type from the file name instead of the part's header, and adds its own charset.
    const type = expect.stringMatching(/^text\/plain/) as string
    expect(await send(form)).toEqual({ title: 'a & ä', name: 'ä.txt', type, text: 'one\r\ntwo' })
  })

  it.skipIf(missing)('reads a form of a .NET client', async () => {
    // workerd's own parser rejects names without quotes.
    const [name, fileName] = binary === 'workerd' ? ['"title"', '"b.txt"'] : ['title', 'b.txt']
    const body = [
      `--x\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name=${name}\r\n\r\na & ä\r\n`,
      `--x\r\nContent-Type: text/plain\r\nContent-Disposition: form-data; name="file"; filename=${fileName}\r\n\r\ntwo\r\n--x--\r\n`,
    ].join('')
    const headers = { 'content-type': 'multipart/form-data; boundary="x"' }
    const response = await fetch(`${origin}/form`, { method: 'POST', headers, body })
    expect(await response.json()).toMatchObject({ title: 'a & ä', name: 'b.txt', text: 'two' })
  })

  it.skipIf(missing)(
    'matches the path that the URL parser produces, in the matcher, context.url and the cache key',
    async () => {
      const get = async (path: string): Promise<{ status: number; text: string }> => {
        const incoming = await new Promise<IncomingMessage>((resolve, reject) => {
          const { hostname, port } = new URL(origin)
          request({ hostname, port, path }, resolve).on('error', reject).end()
        })
        let text = ''
        for await (const chunk of incoming) text += String(chunk)
        return { status: incoming.statusCode!, text }
      }
      // A middleware of the router rejects what `context.url` has below /admin.
      for (const path of [
        '/admin/a',
        '/public/../admin/a',
        '/public/%2e%2e/admin/a',
        '/public/.%2E/admin/a',
        '/./admin/a',
        '/public/a/../../admin/a',
        '/public/..\\admin/a',
      ])
        expect([path, (await get(path)).status]).toEqual([path, 401])
      for (const path of [
        '/admin/x\\..\\..\\public\\a',
        '/admin/../public/a',
        '/admin/%2e%2e/public/a',
        '/admin/%2E./public/b/%2e%2e/a',
        '/public/./a',
      ])
        expect([path, await get(path)]).toEqual([path, { status: 200, text: '{"path":["a"],"pathname":"/public/a"}' }])
      const { text } = await get('/cached/nothing')
      expect((await get('/public/%2e%2e/cached/nothing')).text).toBe(text)
    },
  )

  it.skipIf(missing)('aborts context.signal only if the client disconnects', async () => {
    const seen = async (): Promise<unknown> => (await fetch(`${origin}/signals`)).json()
    await seen()
    for (const path of ['/signal/text', '/signal/stream', '/signal/native']) await (await fetch(origin + path)).text()
    await vi.waitFor(async () => expect(await seen()).toEqual([false, false, false]), 5_000)
    // workerd has no way to detect it.
    if (binary === 'workerd') return
    const controller = new AbortController()
    const response = await fetch(`${origin}/signal/ticks`, { signal: controller.signal })
    await response.body!.getReader().read()
    controller.abort()
    await vi.waitFor(async () => expect(await seen()).toEqual([false, false, false, true]), 5_000)
    const slow = new AbortController()
    const sent = fetch(`${origin}/signal/slow`, { signal: slow.signal }).catch(() => {})
    await new Promise((resolve) => setTimeout(resolve, 100))
    slow.abort()
    await sent
    await vi.waitFor(async () => expect(await seen()).toEqual([false, false, false, true, true]), 5_000)
  })

  it.skipIf(missing).each(['/hello/a', '/native', '/lines', '/bytes', '/nowhere'])(
    'sends HEAD %s with the length of GET, or without a length',
    async (path) => {
      const get = await fetch(origin + path)
      const head = await fetch(origin + path, { method: 'HEAD' })
      expect([head.status, await head.text()]).toEqual([get.status, ''])
      const length = get.headers.get('content-length') ?? String((await get.arrayBuffer()).byteLength)
      expect([null, length]).toContain(head.headers.get('content-length'))
    },
  )

  it.skipIf(missing)('sends each event immediately', async () => {
    const response = await fetch(`${origin}/ticks?to=20`)
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    let chunks = 0
    let events = ''
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream()) as unknown as AsyncIterable<string>) {
      chunks++
      events += chunk
    }
    expect(events).toBe(
      Array.from({ length: 20 }, (_, index) => index + 1)
        .map((tick) => `id: ${tick}\ndata: {"tick":${tick}}\n\n`)
        .join(''),
    )
    // A client that gets no CPU time for a while reads several events as one chunk.
    expect(chunks).toBeGreaterThan(1)
  })

  it.skipIf(missing)('closes the event stream of a client that disconnects', async () => {
    const closings = async (): Promise<number> => (await fetch(`${origin}/closings`)).json() as Promise<number>
    const before = await closings()
    const controller = new AbortController()
    const response = await fetch(`${origin}/ticks?to=1000`, { signal: controller.signal })
    const reader = response.body!.getReader()
    await reader.read()
    expect(await closings()).toBe(before)
    controller.abort()
    await vi.waitFor(async () => expect(await closings()).toBe(before + 1), 5_000)
  })

  it.skipIf(missing).each([...codings.keys()])('forwards a response with the content coding %s', async (coding) => {
    const path = `/proxy/${encodeURIComponent(coding)}?upstream=${upstreamOrigin}`
    const { headers, body } = await raw(origin + path)
    expect(decode(headers['content-encoding'], body)).toBe(text)
    if (headers['content-length'] !== undefined) expect(Number(headers['content-length'])).toBe(body.length)
    // The strong tag of the upstream is valid only for the bytes of the upstream.
    if (!body.equals(codings.get(coding)!)) expect(headers.etag).toBe('W/"1"')
    else expect(headers.etag).toMatch(/^(?:W\/)?"1"$/)
  })

  it.skipIf(missing)('forwards a body of 3 MB', async () => {
    const body = new Blob([new Uint8Array(3_000_000)]).stream()
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit
    expect(await (await fetch(`${origin}/proxy?upstream=${upstreamOrigin}/`, init)).text()).toBe('3000000')
  })

  it.skipIf(missing)('sends a stream of JSON lines', async () => {
    const response = await fetch(`${origin}/lines`)
    expect([response.headers.get('content-type'), await response.text()]).toEqual([
      'application/x-ndjson',
      '{"n":1}\n{"n":2}\n',
    ])
  })

  it.skipIf(missing)('sends each cookie in its own header', async () => {
    const response = await fetch(`${origin}/cookies`)
    expect(response.status).toBe(204)
    expect(response.headers.getSetCookie().map((cookie) => cookie.slice(0, 3))).toEqual(['a=1', 'b=2'])
  })

  it.skipIf(missing)('responds to HEAD, OPTIONS, 404, 405 and errors itself', async () => {
    const head = await fetch(`${origin}/hello/a`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    const options = await fetch(`${origin}/hello/a`, { method: 'OPTIONS' })
    expect([options.status, options.headers.get('allow')]).toEqual([204, 'GET, HEAD, OPTIONS'])
    for (const [path, method, status] of [
      ['/nope', 'GET', 404],
      ['/hello/a', 'PUT', 405],
      ['/failing', 'GET', 500],
      ['/hello/%zz', 'GET', 400],
    ] as const) {
      const response = await fetch(origin + path, { method })
      expect([path, response.status, await response.json()]).toEqual([
        path,
        status,
        expect.objectContaining({ status }),
      ])
    }
  })

  it.skipIf(missing).each(['the app in its process', 'an app over the network'])(
    'runs the client, which calls %s',
    async (whose) => {
      // Its host is another copy of the package, which does not know that onError was called for the failed streams.
      const silence = vi.spyOn(console, 'error').mockReturnValue()
      const query = whose === 'the app in its process' ? '' : `?origin=${elsewhereOrigin}`
      expect(await (await fetch(`${origin}/calls${query}`)).json()).toEqual({
        item: { slug: 'a b/ü', at: '1970-01-01T00:00:00.000Z' },
        put: [201, { name: 'ü' }],
        empty: 204,
        head: 200,
        text: 'ä\n',
        bytes: [255, 254, 0],
        stream: { size: 70_000 },
        fields: { title: 'a & ä' },
        file: { title: 'x', name: 'ä.txt', type: expect.stringMatching(/^text\/plain/) as string, text: 'one\r\ntwo' },
        items: [1, 2],
        events: [1, 2, 3, 4, 5].map((tick) => [String(tick), tick]),
        tries: 3,
        aborted: { name: 'Error', message: 'enough' },
        timeout: { name: 'TimeoutError', message: 'GET /slow took over 50 ms' },
      })
      silence.mockRestore()
    },
  )

  it.skipIf(missing)(
    "retries the client's calls that fail on the network, before and during the response",
    async () => {
      cuts = 0
      const nobody = `http://127.0.0.1:${await freePort()}`
      const response = await fetch(`${origin}/calls?nobody=${nobody}&upstream=${upstreamOrigin}`)
      expect(await response.json()).toEqual({ refused: 3, cut: 'whole' })
      expect(cuts).toBe(3)
    },
  )

  it.skipIf(missing)('provides env, the signal and, if the host has it, the IP address', async () => {
    expect(await (await fetch(`${origin}/who`)).json()).toEqual({
      ip: ip ? 'string' : 'undefined',
      env: 'object',
      aborted: false,
    })
  })
})

// One frame with one raw block, because Node.js 20 has no zstd.
function toZstd(text: string): Buffer {
  const bytes = Buffer.from(text)
  const block = (bytes.length << 3) | 1
  return Buffer.concat([Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0x20, bytes.length, block & 255, block >> 8, 0]), bytes])
}

function decode(codings = 'identity', body: Buffer): string {
  const decoders: Record<string, (bytes: Buffer) => Buffer> = {
    identity: (bytes) => bytes,
    gzip: gunzipSync,
    'x-gzip': gunzipSync,
    deflate: inflateSync,
    br: brotliDecompressSync,
    zstd: (bytes) => bytes.subarray(9),
  }
  let bytes = body
  for (const coding of codings.toLowerCase().split(', ').toReversed()) bytes = decoders[coding]!(bytes)
  return bytes.toString()
}

// Without decoding, unlike `fetch`.
async function raw(url: string): Promise<{ headers: IncomingMessage['headers']; body: Buffer }> {
  const answer = await new Promise<IncomingMessage>((resolve, reject) => get(url, resolve).on('error', reject))
  const chunks: Buffer[] = []
  for await (const chunk of answer) chunks.push(chunk as Buffer)
  return { headers: answer.headers, body: Buffer.concat(chunks) }
}
