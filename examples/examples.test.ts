import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { streamText } from 'ai'
import { describe, expect, it, vi } from 'vitest'
import { app as ai, model } from './ai.js'
import vercel from './vercel/app.js'
import workers from './workers.js'

const directory = fileURLToPath(new URL('.', import.meta.url))

/** Runs `tsx examples/<name>.ts` and resolves to its output. Rejects if the example fails. */
async function run(name: string): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, ['--import', 'tsx', `${directory}${name}.ts`])
  expect(stderr).toBe('')
  return stdout
}

const prints: Record<string, readonly (string | RegExp)[]> = {
  'better-auth': [
    "sign up 200\nsign in with a wrong password 401\nme { name: 'Ada' }\nme without a cookie 401\nsign out 200\nme after that 401\n",
  ],
  'middleware-session': [/^401 Unauthorized\n403 Robin is a reader\. reader\n200 Note 7, removed by Eli\n$/],
  forms: [/^201 /, "cv: 'cv.txt, 19 characters'", "pointer: '/age'", "pointer: '/address/country'", "pointer: '/cv'"],
  errors: [
    '200 {"sku":"tea","count":2}',
    '409 {"title":"Conflict","type":"https://shop.example/out-of-stock","left":3,"status":409}',
    '"pointer":"/count"',
    /^onError: \/orders\/\[sku\], handler: connect ECONNREFUSED 10\.0\.0\.7:5432\n500 \{"title":"Internal Server Error","detail":"No handler sent this response\.","status":500\}$/m,
  ],
  'sessions/main': ['"pattern":"/login","status":200', "{ user: 'ada' }", /\n401\n$/],
  testing: ['5 assertions hold'],
  files: ['206 bytes 6-11/53 number'],
  webhook: ['200 "handled before"'],
  proxy: ['200 a > b/../c: HELLO'],
  feeds: ['about:invalid'],
  openapi: [
    'get /api/notes: getNotes (List notes) responds with 200, 400\n',
    'post /api/notes: postNotes (Add a note) responds with 201, 400, 401, 413, 415\n',
    'delete /api/notes/{id}: deleteNote (Remove a note) responds with 204, 404\n',
    '"required":["title","written"]',
    /^\[\{"bearer":\[\]\}\]\n$/m,
  ],
  ai: [
    /^text\/plain; charset=utf-8 Byways are the quiet roads\.\ntext\/event-stream data: \{"type":"start"\}\n/,
    'data: {"type":"text-delta","id":"1","delta":"quiet "}',
    /data: \[DONE\]\n\n\nThe model stops: The client disconnected\.\n$/,
  ],
  'tanstack-query': [
    /^up to 3: 0\n201 \n409 mint exists\nup to 3: mint\nshown: tea, then tea and mint\n/,
    /the report was canceled\ncancelled: true\n|cancelled: true\nthe report was canceled\n/,
  ],
  'opentelemetry/main': [
    'GET /items/[slug] 200\n  GET /prices/[slug] 200\nGET /items/[slug] 404\n  GET /prices/[slug] 404\n',
  ],
  'jwt/main': ["without a token 401\nada { user: 'ada' }\nada 204\neve { user: 'eve' }\neve 403\n"],
  'jobs/main': [
    /^202 \/jobs\/1\n202 \/jobs\/2\njob 1: done after 2 tries\njob 2: failed after 3 tries\nafter cleaning 404\n$/,
  ],
  'chat/main': [/^read "You asked about /, 'Tea is in stock."\nstopped true\n'],
  'realworld/main': [
    "{ errors: { body: [ 'email has already been taken' ] } }\n{ errors: { body: [ 'token is missing or invalid' ] } }\n",
    '{ errors: { title: [ "can\'t be blank" ], body: [ "can\'t be blank" ] } }\non-tea\n1\n',
    "{ errors: { body: [ 'article not found' ] } }\n",
  ],
  workers: [/^Welcome Ada, visit 1\nWelcome Ada, visit 2\n$/],
}

// Folders with tests of their own.
const others = ['catalogue', 'drizzle', 'items', 'uploads', 'websockets']

describe('the examples', () => {
  it('are all listed in this test, in the README and in the docs', () => {
    const files = readdirSync(directory)
      .filter((name) => !name.endsWith('.test.ts') && !others.includes(name))
      .map((name) => (name.endsWith('.ts') ? name : `${name}/main.ts`))
      .filter((file) => existsSync(directory + file))
    expect(files.map((file) => file.replace('.ts', '')).sort()).toEqual(Object.keys(prints).sort())
    for (const list of ['examples/README.md', 'docs/start/examples.md']) {
      const text = readFileSync(`${directory}../${list}`, 'utf8')
      expect([list, files.filter((file) => !text.includes(file))]).toEqual([list, []])
    }
  })

  it.each(Object.keys(prints))('%s prints the expected output', async (name) => {
    const printed = await run(name)
    for (const expected of prints[name]!)
      if (typeof expected === 'string') expect(printed).toContain(expected)
      else expect(printed).toMatch(expected)
  })

  it('workers responds as a module with env and waitUntil()', async () => {
    const env = { GREETING: 'Hi', VISITS: { get: async () => '41', put: async () => {} } }
    const response = await workers.fetch(new Request('http://test/visits/Bob'), env, { waitUntil() {} })
    expect(await response.text()).toBe('Hi Bob, visit 42')
  })

  it('vercel sends the cache tag of an item, and 404 after its deletion', async () => {
    const send = async (path: string, init?: RequestInit) => vercel.fetch(new Request(`http://test${path}`, init))
    const response = await send('/items/tea')
    expect([response.headers.get('vercel-cache-tag'), await response.json()]).toEqual([
      'item:tea',
      { slug: 'tea', price: 4 },
    ])
    expect((await send('/items/tea', { method: 'DELETE' })).status).toBe(204)
    expect((await send('/items/tea')).status).toBe(404)
    const near = await send('/near', { headers: { 'x-vercel-ip-city': 'Berlin' } })
    expect(await near.json()).toEqual({ city: 'Berlin' })
  })

  it.each([
    ['/text', 'toTextStreamResponse'],
    ['/parts', 'toUIMessageStreamResponse'],
  ] as const)('ai responds to %s with the Response object of the SDK', async (path, method) => {
    const result = streamText({ model, prompt: 'What is a byway?' })
    const direct = result[method]()
    const make = vi.spyOn(Object.getPrototypeOf(result), method)
    const answer = await ai.fetch(ask(path))
    expect(answer).toBe(make.mock.results[0]!.value)
    make.mockRestore()
    expect([answer.status, answer.statusText, [...answer.headers]]).toEqual([200, '', [...direct.headers]])
    const [bytes, same] = await Promise.all([answer.arrayBuffer(), direct.arrayBuffer()])
    expect(bytes.byteLength).toBeGreaterThan(20)
    expect(Buffer.from(bytes).equals(Buffer.from(same))).toBe(true)
  })

  it.each(['/text', '/parts'])(
    'ai at %s aborts its model and stops reading it if the client disconnects',
    async (path) => {
      const client = new AbortController()
      const answer = await ai.fetch(ask(path, client.signal))
      const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
      let text = ''
      while (!text.includes('Byways')) text += (await reader.read()).value!
      const { abortSignal } = model.doStreamCalls.at(-1)!
      expect(abortSignal!.aborted).toBe(false)
      client.abort(new DOMException('gone', 'AbortError'))
      await vi.waitFor(() => expect(abortSignal!.aborted).toBe(true))
      for (let read = await reader.read(); !read.done; read = await reader.read()) text += read.value
      expect(text).not.toContain('roads.')
    },
  )
})

const ask = (path: string, signal: AbortSignal | null = null): Request =>
  new Request(`http://test${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ prompt: 'What is a byway?' }),
    signal,
  })
