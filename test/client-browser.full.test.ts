import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { zfd } from 'zod-form-data'
import type { Client, createClient, retry, UnexpectedResponse } from '../src/client/index.js'
import { toNodeHandler } from '../src/hosts/node-handler.js'
import { bytes, form, route, router, stream, text } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import { cookies, cors } from '../src/middleware/index.js'

const executablePath = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
// In CI, a missing browser is a failure.
const isMissing = !existsSync(executablePath) && !process.env['CI']
if (isMissing)
  console.warn(`The client is not tested in Chromium: there is no ${executablePath}. CHROMIUM names another.`)
const flags =
  '--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'

let pageOrigin = ''
let release = (): void => {}
const counts = { aborted: 0, busy: 0, closed: 0 }
const asked: (string | null)[] = []

const open = route.use(
  cors({ origin: (origin) => origin === pageOrigin, credentials: true, exposedHeaders: ['retry-after'] }),
)
const app = router(
  {
    page: route('/').get(() =>
      reply.html(
        `<!doctype html><script type="module">
        import * as client from '/dist/client/index.js'
        Object.assign(globalThis, client, { api: client.createClient() })
        document.title = 'ready'
      </script>`,
      ),
    ),
    // The built client as it is, without a bundler.
    dist: route('/dist/[...path]').get(async (_request, { params }) => {
      const text = await readFile(new URL(`../dist/${params.path.join('/')}`, import.meta.url), 'utf8')
      return reply.text(text, { headers: { 'content-type': 'text/javascript' } })
    }),
    item: open('/items/[slug]')
      .get((_request, { params }) => {
        if (params.slug === 'gone') return reply.problem(410, { type: 'https://errors.example/gone', by: 'Ada' })
        return { slug: params.slug, at: new Date(0) }
      })
      .put({ body: z.object({ price: z.number() }) }, (_request, { body }) => reply.json(body, { status: 201 }))
      .delete(() => {}),
    upload: route('/upload').post(
      { body: form(zfd.formData({ file: zfd.file(), title: zfd.text(), size: z.object({ width: zfd.numeric() }) })) },
      async (_request, { body: { file, title, size } }) => ({
        file: [file.name, file.type, await file.text()],
        title,
        size,
      }),
    ),
    bytes: route('/bytes').put({ body: bytes(z.instanceof(Uint8Array)) }, (_request, { body: bytes }) =>
      reply.bytes(bytes.map((byte) => 255 - byte)),
    ),
    stream: route('/stream').put({ body: stream('*/*') }, async (_request, { body: stream }) => {
      let size = 0
      for await (const chunk of stream) size += chunk.length
      return size
    }),
    text: route('/text').post({ body: text(z.string()) }, (_request, { body: text }) => reply.text(text.toUpperCase())),
    lines: route('/lines').get(() => {
      async function* count() {
        yield { n: 1 }
        await new Promise<void>((resolve) => (release = resolve))
        yield { n: 2 }
      }
      return reply.ndjson(count())
    }),
    release: route('/release').post(() => release()),
    // Fails after every two events, so that the connection is closed.
    ticks: open('/ticks').get((request) => {
      const last = request.headers.get('last-event-id')
      asked.push(last)
      async function* count() {
        const first = Number(last ?? 0) + 1
        for (let tick = first; tick <= 5; tick++) {
          if (tick === first + 2) throw new Error('cut')
          yield { id: String(tick), data: { tick } }
          // The event is sent before the connection breaks.
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      }
      return reply.sse(count(), { retry: 10 })
    }),
    slow: route('/slow').get(
      (_request, { signal }) =>
        new Promise<string>((resolve) =>
          signal.addEventListener('abort', () => {
            counts.aborted++
            resolve('late')
          }),
        ),
    ),
    counts: route('/counts').get(() => counts),
    busy: open('/busy').get(() =>
      ++counts.busy % 3 ? reply.problem(503, {}, { headers: { 'retry-after': '1' } }) : { tries: counts.busy },
    ),
    session: open('/session')
      .use(cookies())
      .post((_request, { cookies }) => cookies.set('session', 'ü;1', { httpOnly: true }))
      .get((_request, { cookies }) => ({ session: cookies.get('session')?.value ?? null })),
    closed: route('/closed').get(() => ++counts.closed),
    moved: route('/moved').get(() => reply.redirect('/counts')),
    image: route('/images/[...name]').get(
      { query: z.object({ size: z.coerce.number() }) },
      (_request, { params, query }) =>
        reply.text(
          `<svg xmlns="http://www.w3.org/2000/svg" width="${query.size}" height="${params.name.join('').length}"/>`,
          { headers: { 'content-type': 'image/svg+xml' } },
        ),
    ),
  },
  { onError: () => {} },
)
type App = typeof app

/** The globals of the page. */
interface InPage {
  readonly createClient: typeof createClient
  readonly retry: typeof retry
  readonly UnexpectedResponse: typeof UnexpectedResponse
  readonly api: Client<App>
}

// Each test runs a few steps in a browser.
describe.skipIf(isMissing)('the built client in Chromium', () => {
  const servers: Server[] = []
  let browser: Browser
  let page: Page
  let otherOrigin = ''
  let mistakes: string[]

  const listen = async (): Promise<string> => {
    const server = createServer(toNodeHandler(app))
    servers.push(server)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }
  beforeAll(async () => {
    pageOrigin = await listen()
    otherOrigin = await listen()
    browser = await chromium.launch({ executablePath, args: flags.split(' ') })
  })
  afterAll(async () => {
    await browser?.close()
    for (const server of servers) {
      server.closeAllConnections()
      server.close()
    }
  })
  beforeEach(async () => {
    page = await browser.newPage()
    mistakes = []
    page.on('pageerror', (error) => mistakes.push(String(error)))
    await page.goto(pageOrigin)
    await page.waitForFunction(() => document.title === 'ready')
  })
  afterEach(async () => {
    await page.close()
    expect(mistakes).toEqual([])
  })

  it('sends and reads JSON and problems from the origin of the page', async () => {
    const seen = await page.evaluate(async () => {
      const { api } = globalThis as unknown as InPage
      const params = { slug: 'a b/ü' }
      const item = await api('/items/[slug]').get({ params })
      const put = await api('/items/[slug]').put({ params, body: { price: 2 } })
      const refused = await api('/items/[slug]').put({ params, body: { price: '2' } as never })
      const gone = await api('/items/[slug]').get({ params: { slug: 'gone' } })
      const deleted = await api('/items/[slug]').delete({ params })
      const head = await (api('/items/[slug]') as any).head({ params })
      return {
        item: item.data,
        put: [put.status, put.data],
        refused: [refused.status, refused.status === 400 && refused.error.errors?.[0]?.pointer],
        gone: gone.status === 410 ? [gone.error.type, gone.error.by] : [],
        empty: [deleted.status, deleted.data === undefined, head.status, head.data === undefined],
      }
    })
    expect(seen).toEqual({
      item: { slug: 'a b/ü', at: '1970-01-01T00:00:00.000Z' },
      put: [201, { price: 2 }],
      refused: [400, '/price'],
      gone: ['https://errors.example/gone', 'Ada'],
      empty: [204, true, 200, true],
    })
  })

  it('sends a form with a File, nested fields, text, bytes and a Blob, and reads bytes', async () => {
    const seen = await page.evaluate(async () => {
      const { api } = globalThis as unknown as InPage
      const file = new File(['one\r\n', 'two'], 'ä.txt', { type: 'text/plain' })
      const upload = await api('/upload').post({ form: { file, title: 'a & ä', size: { width: 7 } } })
      const bytes = (await api('/bytes').put({ bytes: new Uint8Array([0, 1, 255]) })).data as unknown as Blob
      const text = await api('/text').post({ text: 'ä\n' })
      const stream = await api('/stream').put({ stream: new Blob([new Uint8Array(300_000)]) })
      return {
        upload: upload.data,
        bytes: [...new Uint8Array(await bytes.arrayBuffer())],
        text: text.data,
        stream: stream.data,
      }
    })
    expect(seen).toEqual({
      upload: { file: ['ä.txt', 'text/plain', 'one\r\ntwo'], title: 'a & ä', size: { width: 7 } },
      bytes: [255, 254, 0],
      text: 'Ä\n',
      stream: 300_000,
    })
  })

  it('yields each NDJSON line when it arrives', async () => {
    const seen = await page.evaluate(async () => {
      const { api } = globalThis as unknown as InPage
      const seen: number[] = []
      for await (const { n } of (await api('/lines').get()).data) {
        seen.push(n)
        // The server sends the second line only after the client has read the first.
        if (n === 1) await api('/release').post()
      }
      return seen
    })
    expect(seen).toEqual([1, 2])
  })

  it.each(['its own', 'another'])(
    'reconnects to an event stream of %s origin after the connection breaks',
    async (whose) => {
      asked.length = 0
      const seen = await page.evaluate(
        async (baseUrl) => {
          const { createClient } = globalThis as unknown as InPage
          const seen: unknown[] = []
          const { data } = await createClient<App>({ baseUrl })('/ticks').get()
          for await (const { id, data: event } of data) seen.push([id, event.tick])
          return seen
        },
        whose === 'another' ? otherOrigin : pageOrigin,
      )
      expect(seen).toEqual([1, 2, 3, 4, 5].map((tick) => [String(tick), tick]))
      expect(asked).toEqual([null, '2', '4'])
    },
  )

  it('aborts calls by a signal and by a timeout, and aborts the signal of the handler', async () => {
    const before = counts.aborted
    const seen = await page.evaluate(async () => {
      const { api } = globalThis as unknown as InPage
      const fail = (call: Promise<unknown>) => call.catch((error: Error) => [error.name, error.message])
      const controller = new AbortController()
      setTimeout(() => controller.abort(new Error('enough')), 1_000)
      return [
        await fail(api('/slow').get({ signal: controller.signal })),
        await fail(api('/slow').get({ timeout: 1_000 })),
        await fail(api('/slow').get({ signal: AbortSignal.abort() })),
      ]
    })
    expect(seen).toEqual([
      ['Error', 'enough'],
      ['TimeoutError', 'GET /slow took over 1000 ms'],
      ['AbortError', expect.any(String)],
    ])
    await expect.poll(() => counts.aborted).toBe(before + 2)
  })

  it('retries a call after Retry-After seconds, and a call with a network error', async () => {
    counts.busy = 0
    const { data, pause } = await page.evaluate(async (baseUrl) => {
      const { createClient, retry } = globalThis as unknown as InPage
      const begun = performance.now()
      const { data } = await createClient<App>({ baseUrl, retry: retry({ limit: 2 }) })('/busy').get()
      return { data, pause: performance.now() - begun }
    }, otherOrigin)
    expect(data).toEqual({ tries: 3 })
    expect(pause).toBeGreaterThan(1_900)

    let tries = 0
    await page.route('**/counts', (call) => (tries++ ? call.continue() : call.abort('connectionreset')))
    const status = await page.evaluate(async () => {
      const { api, retry } = globalThis as unknown as InPage
      return (await api('/counts').get({ retry: retry({ limit: 1 }) })).status
    })
    expect([status, tries]).toEqual([200, 2])
  })

  it('sends cookies to another origin if credentials is include', async () => {
    const seen = await page.evaluate(async (baseUrl) => {
      const { createClient } = globalThis as unknown as InPage
      const stranger = createClient<App>({ baseUrl })
      const known = createClient<App>({ baseUrl, init: { credentials: 'include' } })
      await stranger('/session').post()
      const before = (await known('/session').get()).data
      const { status } = await known('/session').post()
      return [
        before,
        status,
        (await known('/session').get()).data,
        (await stranger('/session').get()).data,
        (await stranger('/session').get({ init: { credentials: 'include' } })).data,
      ]
    }, otherOrigin)
    expect(seen).toEqual([{ session: null }, 204, { session: 'ü;1' }, { session: null }, { session: 'ü;1' }])
  })

  it('rejects like fetch without CORS headers, and with UnexpectedResponse for opaque responses', async () => {
    counts.closed = 0
    const seen = await page.evaluate(async (baseUrl) => {
      const { api, createClient, UnexpectedResponse } = globalThis as unknown as InPage
      const other = createClient<App>({ baseUrl })
      const fail = (call: Promise<unknown>) =>
        call.catch((error: Error) => [error instanceof UnexpectedResponse, error.name, error.message])
      return [
        await fail(other('/closed').get()),
        await fail(other('/closed').get({ init: { mode: 'no-cors' } })),
        await fail(api('/moved').get({ init: { redirect: 'manual' } })),
      ]
    }, otherOrigin)
    expect(seen).toEqual([
      [false, 'TypeError', 'Failed to fetch'],
      [true, 'UnexpectedResponse', `GET ${otherOrigin}/closed: unexpected response opaque`],
      [true, 'UnexpectedResponse', `GET ${pageOrigin}/moved: unexpected response opaqueredirect`],
    ])
    // The browser sent both requests, but the page cannot read the responses.
    expect(counts.closed).toBe(2)
  })

  it('builds URLs for an <img>', async () => {
    const seen = await page.evaluate(async () => {
      const { api } = globalThis as unknown as InPage
      const image = new Image()
      image.src = api('/images/[...name]').url({ params: { name: ['a b', 'ü/ö'] }, query: { size: 9 } })
      await image.decode()
      return [image.src, image.naturalWidth, image.naturalHeight]
    })
    expect(seen).toEqual([`${pageOrigin}/images/a%20b/%C3%BC%2F%C3%B6?size=9`, 9, 6])
  })
})
