import { AsyncLocalStorage } from 'node:async_hooks'
import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { createCache, memoryStore, type Cache, type CacheOptions, type CacheStore } from '../../src/cache/index.js'
import { encodeValue } from '../../src/cache/key.js'
import { cookies, type Cookies } from '../../src/middleware/index.js'
import { middleware, route, type RouteContext, router } from '../../src/index.js'
import * as reply from '../../src/replies/index.js'
import { slowStore } from '../fixtures/cache.js'
import { runs } from './runs.js'

const escaped: unknown[] = []
const onEscape = (reason: unknown): void => void escaped.push(reason)
beforeAll(() => void process.on('unhandledRejection', onEscape))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})
afterAll(async () => {
  await new Promise((resolve) => setTimeout(resolve, 20))
  process.off('unhandledRejection', onEscape)
  expect(escaped).toEqual([])
})

// ── the state machine ──

const keys = ['a', 'b', 'c'] as const
type Key = (typeof keys)[number]

const kinds = ['value', 'made', 'stream', 'missing', 'broken', 'thrown', 'cut', 'personal'] as const
type Kind = (typeof kinds)[number]
const isStorable = (kind: Kind): boolean => kind === 'value' || kind === 'made' || kind === 'stream'

type Step =
  | {
      readonly do: 'request'
      readonly key: Key
      readonly user: number
      readonly process: number
      readonly head: boolean
    }
  | { readonly do: 'abort'; readonly which: number }
  | { readonly do: 'pass'; readonly milliseconds: number }
  | { readonly do: 'turn'; readonly key: Key; readonly kind: Kind; readonly slow: number }
  | { readonly do: 'tag'; readonly tag: 'all' | 'data' | Key; readonly max: boolean; readonly process: number }
  | { readonly do: 'path'; readonly key: Key; readonly process: number }
  | { readonly do: 'outage'; readonly on: boolean }

const key = fc.constantFrom(...keys)
const processes = fc.nat(1)
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('request' as const),
      key,
      user: fc.nat(2),
      process: processes,
      head: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('abort' as const), which: fc.nat(20) }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      milliseconds: fc.oneof(fc.nat(40), fc.nat(3_000), fc.integer({ min: 3_000, max: 30_000 })),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('turn' as const),
      key,
      kind: fc.oneof(fc.constant('value' as const), fc.constantFrom(...kinds)),
      slow: fc.oneof(fc.constant(0), fc.nat(2_000), fc.nat(15_000)),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('tag' as const),
      tag: fc.constantFrom('all' as const, 'data' as const, ...keys),
      max: fc.boolean(),
      process: processes,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('path' as const), key, process: processes }) },
)

/** Returns a slow store for two processes. It fails during an outage, and can have leases. */
function toStore(delays: readonly number[], isOut: () => boolean, hasLeases: boolean): CacheStore {
  const memory = memoryStore()
  const held = new Map<string, number>()
  let count = 0
  const wait = async (): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, delays[count++ % delays.length]))
    if (isOut()) throw new Error('out')
  }
  const slow = slowStore(memory, wait)
  if (!hasLeases) return slow
  return {
    ...slow,
    async lease(name, milliseconds) {
      await wait()
      if ((held.get(name) ?? 0) > Date.now()) return undefined
      const until = Date.now() + milliseconds
      held.set(name, until)
      return {
        async release() {
          await wait()
          if (held.get(name) === until) held.delete(name)
        },
      }
    },
  }
}

interface Setting {
  readonly revalidate: number | false
  readonly staleWhileRevalidate: number
  readonly staleIfError: number
  readonly store: 'memory' | 'slow' | 'leases'
  readonly delays: readonly number[]
}

const setting: fc.Arbitrary<Setting> = fc.record({
  revalidate: fc.constantFrom(false as const, 1, 5),
  staleWhileRevalidate: fc.constantFrom(0, 5, 100),
  staleIfError: fc.constantFrom(0, 5, 100),
  store: fc.constantFrom('memory' as const, 'slow' as const, 'leases' as const),
  delays: fc.array(fc.constantFrom(0, 1, 3, 10, 30), { minLength: 1, maxLength: 5 }),
})

/** A run of the handler. */
interface Run {
  readonly id: number
  readonly key: Key
  readonly process: number
  readonly request: Asked
  readonly kind: Kind
  readonly begun: number
  readonly time: number
  readonly text: string
  ended: boolean
}

interface Asked {
  readonly key: Key
  readonly user: number
  readonly process: number
  readonly head: boolean
  readonly begun: number
  readonly time: number
  readonly controller: AbortController
  answer: { status: number; text: string; cacheStatus: string; etag: string | null } | 'aborted' | undefined
}

interface Invalidation {
  readonly keys: readonly Key[]
  /** Whether it invalidates the data that runs use, not the responses. */
  readonly isOfData: boolean
  readonly max: boolean
  readonly begun: number
  done: number
}

const maxWait = 10_000

/** Runs the steps and returns a record of the events. `clock` numbers the events in order. */
async function play({ store: kind, delays, ...lifetime }: Setting, steps: readonly Step[], hasOutage = false) {
  vi.useFakeTimers({ toFake: ['Date', 'setTimeout', 'clearTimeout', 'performance'], now: Date.UTC(2026, 0, 1) })
  // Hashes synchronously, because another thread would need time while the fake clock is stopped.
  vi.spyOn(crypto.subtle, 'digest').mockImplementation(async (_name, bytes) => {
    const { buffer, byteOffset, byteLength } = createHash('sha256')
      .update(bytes as Uint8Array)
      .digest()
    return (buffer as ArrayBuffer).slice(byteOffset, byteOffset + byteLength)
  })
  let clock = 0
  let isOut = false
  const runs: Run[] = []
  /** The clock when each read of the data began. */
  const data: number[] = []
  const asked: Asked[] = []
  const invalidations: Invalidation[] = []
  const errors: unknown[] = []
  const overlaps: string[] = []
  const turns = new Map<Key, { kind: Kind; slow: number }>(keys.map((key) => [key, { kind: 'value', slow: 0 }]))
  // Keys whose handler can run several times concurrently, after an abort, an outage or a failure.
  const excused = new Set<Key>()
  const who = new AsyncLocalStorage<Asked>()
  const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

  const shared = kind === 'memory' ? memoryStore() : toStore(delays, () => isOut, kind === 'leases')
  /** Whether no invalidation of the key has been in progress since then. */
  const isCalm = (key: Key, since: number): boolean =>
    invalidations.every(({ keys, done }) => !keys.includes(key) || done < since)
  const make = (
    process: number,
  ): { cache: Cache; fetch: (request: Request) => Promise<Response>; settled: () => Promise<void> } => {
    const cache = createCache({ store: shared, maxWait, onError() {} })
    const find = cache.wrap(
      async () => {
        const id = data.push(clock++) - 1
        await pause(5)
        return id
      },
      { key: 'data', tags: ['data'] },
    )
    const item = route('/items/[key]')
      .use(cache({ ...lifetime, maxBytes: 1_000, tags: ({ params }) => ['all', params['key'] as string] }))
      .get(async (request, { params, signal }) => {
        const key = params.key as Key
        const { kind, slow } = turns.get(key)!
        const request_ = who.getStore()!
        const id = runs.length
        const text = JSON.stringify({
          id,
          key,
          ...(kind === 'personal' && { user: request_.user }),
          pad: 'x'.repeat(id % 5),
        })
        const run: Run = {
          id,
          key,
          process,
          request: request_,
          kind,
          begun: clock++,
          time: Date.now(),
          text,
          ended: false,
        }
        if (!isStorable(kind) || slow > maxWait / 2) excused.add(key)
        for (const other of runs)
          if (
            other.key === key &&
            !other.ended &&
            (other.process === process || shared.lease) &&
            isCalm(key, Math.min(request_.begun, other.request.begun))
          )
            overlaps.push(key)
        runs.push(run)
        try {
          const made = kind === 'made' ? await find() : undefined
          if (slow) {
            await pause(slow)
            signal.throwIfAborted()
          }
          switch (kind) {
            case 'value':
              return reply.text(text)
            case 'made':
              return new Response(`${text.slice(0, -1)},"data":${made}}`)
            case 'missing':
              return reply.problem(404, { detail: text })
            case 'broken':
              return reply.problem(503, { detail: text })
            case 'thrown':
              throw new Error(`run ${id}`)
            case 'personal':
              return new Response(`${text}${request.headers.get('x-user')!.slice(0, 0)}`)
            case 'stream':
            case 'cut':
              return new Response(
                new ReadableStream({
                  async start(controller) {
                    controller.enqueue(new TextEncoder().encode(text.slice(0, 5)))
                    await pause(slow ? 20 : 0)
                    if (kind === 'cut') return controller.error(new Error(`run ${id}`))
                    controller.enqueue(new TextEncoder().encode(text.slice(5)))
                    controller.close()
                  },
                }),
              )
          }
        } finally {
          run.ended = true
        }
      })
    const app = router({ item }, { onError: (error) => void errors.push(error) })
    return { cache, fetch: async (request) => app.fetch(request), settled: app.settled }
  }
  const apps = [make(0), make(1)]

  const invalidate = (
    process: number,
    of: readonly Key[] | 'data',
    max: boolean,
    run: (cache: Cache) => Promise<void>,
  ): void => {
    const isOfData = of === 'data'
    const done = Number.POSITIVE_INFINITY
    const one: Invalidation = { keys: isOfData ? keys : of, isOfData, max, begun: clock++, done }
    invalidations.push(one)
    void run(apps[process]!.cache).then(() => void (one.done = clock++))
  }

  const perform = async (step: Step): Promise<void> => {
    switch (step.do) {
      case 'request': {
        const { key, user, process, head } = step
        const controller = new AbortController()
        const one: Asked = { key, user, process, head, begun: clock++, time: Date.now(), controller, answer: undefined }
        asked.push(one)
        const request = new Request(`http://test/items/${key}`, {
          method: head ? 'HEAD' : 'GET',
          headers: { 'x-user': String(user) },
          signal: controller.signal,
        })
        void who
          .run(one, () => apps[process]!.fetch(request))
          .then(async (response) => {
            const text = await response.text().catch((error: unknown) => `! ${String(error)}`)
            const { status, headers } = response
            one.answer = { status, text, cacheStatus: headers.get('cache-status') ?? '', etag: headers.get('etag') }
          })
        break
      }
      case 'abort': {
        const one = asked[step.which]
        if (one && !one.answer) {
          one.controller.abort()
          excused.add(one.key)
        }
        break
      }
      case 'pass':
        await vi.advanceTimersByTimeAsync(step.milliseconds)
        break
      case 'turn':
        turns.set(step.key, { kind: step.kind, slow: step.slow })
        break
      case 'tag':
        invalidate(
          step.process,
          step.tag === 'all' ? keys : step.tag === 'data' ? 'data' : [step.tag],
          step.max,
          (cache) => cache.revalidateTag(step.tag, step.max ? 'max' : undefined),
        )
        break
      case 'path':
        invalidate(step.process, [step.key], false, (cache) => cache.revalidatePath(`/items/${step.key}`))
        break
      case 'outage':
        isOut = step.on
        for (const key of keys) excused.add(key)
        break
    }
  }

  const settle = async (): Promise<void> => {
    let isSettled = false
    void Promise.all(apps.map(({ settled }) => settled())).then(() => (isSettled = true))
    for (let count = 0; count < 100 && !isSettled; count++) await vi.advanceTimersByTimeAsync(200)
    expect(isSettled).toBe(true)
  }

  for (const step of steps) {
    await perform(step)
    await vi.advanceTimersByTimeAsync(0)
  }
  // The store and the handlers work again, and all work has time to end.
  isOut = false
  for (const key of keys) turns.set(key, { kind: 'value', slow: 0 })
  await vi.advanceTimersByTimeAsync(hasOutage ? 300_000 : 120_000)
  await settle()
  const late: Asked[] = []
  for (let round = 0; round < 3; round++) {
    for (const key of keys)
      for (const process of [0, 1]) {
        await perform({ do: 'request', key, user: 0, process, head: false })
        late.push(asked.at(-1)!)
        await vi.advanceTimersByTimeAsync(500)
      }
  }
  await settle()
  return {
    runs,
    dataBegun: data,
    asked,
    invalidations,
    errors,
    overlaps: overlaps.filter((key) => !excused.has(key as Key)),
    late,
  }
}

type Played = Awaited<ReturnType<typeof play>>

function judge(
  { runs, dataBegun, asked, invalidations, errors, overlaps, late }: Played,
  { revalidate, staleWhileRevalidate, staleIfError }: Setting,
): void {
  for (const one of asked) {
    const { answer, key, user, head, begun, time } = one
    if (answer === undefined) expect.fail(`a request for ${key} was never answered`)
    if (answer === 'aborted') continue
    const { status, text, cacheStatus } = answer
    expect([200, 404, 500, 503]).toContain(status)
    const own = runs.filter((run) => run.request === one)
    if (status !== 200) {
      // A request gets only the failure of its own run.
      expect(
        own.some(
          ({ kind }) =>
            kind === ({ 404: 'missing', 503: 'broken', 500: 'thrown' } as never)[status] ||
            one.controller.signal.aborted,
        ),
      ).toBe(true)
      continue
    }
    if (head) {
      expect(text).toBe('')
      continue
    }
    if (text.startsWith('!')) {
      expect(own.some(({ kind }) => kind === 'cut') || one.controller.signal.aborted).toBe(true)
      continue
    }
    const { id, data } = JSON.parse(text) as { id: number; data?: number }
    const run = runs[id]!
    expect([data === undefined ? text : text.replace(/,"data":\d+/, ''), run.key]).toEqual([run.text, key])
    if (run.kind === 'personal') expect([run.request, run.request.user]).toEqual([one, user])
    // If an invalidation ended before the request began, the request gets no run from before the invalidation.
    for (const invalidation of invalidations) {
      if (!invalidation.keys.includes(key) || invalidation.max || invalidation.done >= begun) continue
      const made = invalidation.isOfData ? (data === undefined ? undefined : dataBegun[data]!) : run.begun
      if (made !== undefined && made < invalidation.begun)
        expect.fail(`run ${id} of ${made} was served at ${begun} after ${invalidation.begun} to ${invalidation.done}`)
    }
    const age = (time - run.time) / 1_000
    if (revalidate !== false && age > revalidate + staleWhileRevalidate) {
      expect(age).toBeLessThan(revalidate + staleIfError)
      expect(cacheStatus).toContain('refresh failed')
    }
  }
  expect(overlaps).toEqual([])
  for (const error of errors) expect(String(error)).toMatch(/^Error: run \d+/)
  // In the end, both processes serve current responses.
  for (const { key, answer, begun } of late.slice(-keys.length * 2)) {
    const { id } = JSON.parse((answer as { text: string }).text) as { id: number }
    const outdated = invalidations.some((one) => !one.isOfData && one.keys.includes(key) && one.begun > runs[id]!.begun)
    expect([key, begun, outdated, isStorable(runs[id]!.kind)]).toEqual([key, begun, false, true])
  }
}

describe('a cache', () => {
  it('serves no response beyond its limits, joins runs in progress, and ends every request', async () => {
    await fc.assert(
      fc.asyncProperty(setting, fc.array(step, { minLength: 5, maxLength: 60 }), async (setting, steps) => {
        judge(await play(setting, steps), setting)
      }),
      { numRuns: runs(150) },
    )
  })

  it('serves no response beyond its limits while its store fails', async () => {
    const outage = fc.record({ do: fc.constant('outage' as const), on: fc.boolean() })
    const steps = fc.array(fc.oneof({ weight: 9, arbitrary: step }, { weight: 1, arbitrary: outage }), {
      minLength: 5,
      maxLength: 60,
    })
    await fc.assert(
      fc.asyncProperty(setting, steps, async (setting, steps) => {
        // An invalidation during an outage reaches the other process only afterwards, so all steps use one process.
        const one = steps.map((step) => ('process' in step ? { ...step, process: 0 } : step))
        judge(await play(setting, one, true), setting)
      }),
      { numRuns: runs(100) },
    )
  })
})

// ── clients ──

interface Client {
  readonly id: string
  readonly language: string
  readonly search: string
}

type Context = RouteContext<'/[page]'> & {
  readonly user: { readonly id: string }
  readonly cookies: Cookies
  readonly query: Readonly<Record<string, unknown>>
  readonly headers: Readonly<Record<string, unknown>>
}

/** The values that a handler can read from its request and context. */
const looks = {
  page: (_request, { params }) => params.page,
  language: ({ headers }) => headers.get('accept-language'),
  cookie: ({ headers }) => headers.get('cookie'),
  hasCookie: ({ headers }) => headers.has('cookie'),
  names: ({ headers }) => [...headers.keys()],
  all: ({ headers }) => Object.fromEntries(headers),
  sent: (request) => new Request('http://up/', request).headers.get('cookie'),
  clone: (request) => request.clone().headers.get('x-user'),
  href: ({ url }) => url,
  search: (_request, { url }) => url.search,
  params: (_request, { url }) => [...url.searchParams],
  whole: (_request, { url }) => `${url}`,
  path: (_request, { url }) => url.pathname,
  user: (_request, { user }) => user.id,
  jar: (_request, { cookies }) => cookies.get('id')?.value,
  context: (_request, context) => Object.assign({}, context).user.id,
  ip: (_request, { ip }) => ip,
  declared: (_request, { query }) => query,
  declaredHeaders: (_request, { headers }) => headers,
  nothing: () => 1,
} satisfies Record<string, (request: Request, context: Context) => unknown>
type Look = keyof typeof looks

/** A handler: it reads a value, waits, and continues depending on the value. */
type Program =
  | { readonly look: Look; readonly wait: number; readonly one: Program; readonly other: Program }
  | 'text'
  | 'json'
  | 'native'
  | 'stream'
  | 'throw'
  | 'missing'

const { program } = fc.letrec<{ program: Program; leaf: Program }>((tie) => ({
  leaf: fc.constantFrom(
    'text' as const,
    'json' as const,
    'json' as const,
    'native' as const,
    'stream' as const,
    'throw' as const,
    'missing' as const,
  ),
  program: fc.oneof(
    { maxDepth: 4, depthSize: 'small' },
    tie('leaf'),
    fc.record({
      look: fc.constantFrom(...(Object.keys(looks) as Look[])),
      wait: fc.nat(2),
      one: tie('program'),
      other: tie('program'),
    }),
  ),
}))

const look = (which: Look, request: Request, context: Context): string => {
  try {
    return JSON.stringify(looks[which](request, context)) ?? 'undefined'
  } catch (error) {
    return String(error)
  }
}

async function perform(program: Program, request: Request, context: Context): Promise<unknown> {
  const seen: string[] = []
  let next = program
  while (typeof next === 'object') {
    const { look: which, wait, one, other } = next
    const saw = look(which, request, context)
    seen.push(saw)
    for (let count = 0; count < wait; count++) await new Promise(setImmediate)
    next = [...saw].reduce((sum, character) => sum + character.charCodeAt(0), 0) % 2 ? one : other
  }
  switch (next) {
    case 'text':
      return reply.text(seen.join('\n'))
    case 'json':
      return seen
    case 'native':
      return Response.json(seen, { headers: { 'x-seen': encodeURIComponent(seen.join()) } })
    case 'missing':
      return reply.notFound()
    case 'throw':
      throw reply.problem(409, { detail: seen.join() })
    case 'stream':
      return reply.ndjson(
        (async function* () {
          yield seen
          await new Promise(setImmediate)
          // A stream reads the value after the handler has returned.
          if (typeof program === 'object') yield look(program.look, request, context)
        })(),
      )
  }
}

const client: fc.Arbitrary<Client> = fc.record({
  id: fc.constantFrom('ann', 'bob', 'cyd'),
  language: fc.constantFrom('', 'de', 'en'),
  search: fc.constantFrom('', '?q=1', '?q=2&r=ann', '?r=bob'),
})

const toRequest = ({ id, language, search }: Client): Request =>
  new Request(`http://test/a${search}`, {
    headers: { cookie: `id=${id}`, 'x-user': id, ...(language && { 'accept-language': language }) },
  })

const session = middleware((request, _context, next) => next({ user: { id: request.headers.get('x-user')! } }))

const cacheOptions = fc.record({
  vary: fc.subarray(['accept-language', 'cookie']),
  key: fc.constantFrom(undefined, 'user', 'jar'),
  declares: fc.subarray(['query', 'headers'] as const),
})
type Given = typeof cacheOptions extends fc.Arbitrary<infer given> ? given : never

const query = z.object({ q: z.coerce.number().optional() })
const headers = z.object({ 'accept-language': z.string().optional() })

function toApp(program: Program, { vary, key, declares }: Given, dynamic: CacheOptions['dynamic'] | 'no cache') {
  const cache = createCache()
  const declared = { ...(declares.includes('query') && { query }), ...(declares.includes('headers') && { headers }) }
  const bare = route('/[page]').use(cookies()).use(session)
  const cached =
    dynamic === 'no cache'
      ? bare
      : bare.use(
          cache({
            revalidate: false,
            vary,
            ...(dynamic && { dynamic }),
            ...(key === 'user' && { key: ({ user }: { user: { id: string } }) => user.id }),
            ...(key === 'jar' && { key: ({ cookies }: { cookies: Cookies }) => cookies.getAll() as unknown }),
          } as CacheOptions<any>),
        )
  const page = cached.get(declared, ((request: Request, context: Context) =>
    perform(program, request, context)) as never)
  const app = router({ page }, { onError() {} })
  return {
    ask: async (client: Client): Promise<[number, string, string | null]> => {
      const response = await app.fetch(toRequest(client), { requestIP: () => ({ address: client.id }) })
      return [response.status, await response.text(), response.headers.get('x-seen')]
    },
    settled: app.settled,
  }
}

/** Sends all requests, some concurrently and some in sequence. */
async function interleave(
  clients: readonly (readonly [client: Client, wait: number])[],
  ask: (client: Client) => Promise<[number, string, string | null]>,
) {
  const answers: Promise<[number, string, string | null]>[] = []
  for (const [client, wait] of clients) {
    answers.push(ask(client))
    for (let count = 0; count < wait; count++) await new Promise(setImmediate)
  }
  return Promise.all(answers)
}

const clients = fc.array(fc.tuple(client, fc.constantFrom(0, 0, 1, 5)), { minLength: 2, maxLength: 12 })

describe('clients of a cache', () => {
  it('get the same responses as without a cache, for any handler', async () => {
    await fc.assert(
      fc.asyncProperty(program, cacheOptions, clients, async (program, options, clients) => {
        const cached = toApp(program, options, 'auto')
        const bare = toApp(program, options, 'no cache')
        const answers = await interleave(clients, cached.ask)
        expect(answers).toEqual(await Promise.all(clients.map(([client]) => bare.ask(client))))
        await cached.settled()
      }),
      { numRuns: runs(200) },
    )
  })

  it("get the same response with dynamic: 'force-static' if their cache keys are equal", async () => {
    await fc.assert(
      fc.asyncProperty(program, cacheOptions, clients, async (program, options, clients) => {
        const app = toApp(program, options, 'force-static')
        const answers = await interleave(clients, app.ask)
        // Two clients with an equal cache key get the same response.
        const seen = new Map<string, unknown>()
        const { vary, key, declares } = options
        clients.forEach(([{ id, language, search }], index) => {
          const own = JSON.stringify([
            (vary.includes('accept-language') || declares.includes('headers')) && language,
            (vary.includes('cookie') || key) && id,
            declares.includes('query') && new URLSearchParams(search).get('q'),
          ])
          if (!seen.has(own)) seen.set(own, answers[index])
          expect(answers[index]).toEqual(seen.get(own))
        })
        await app.settled()
      }),
      { numRuns: runs(200) },
    )
  })

  it("get their own response or a 500 with dynamic: 'error'", async () => {
    await fc.assert(
      fc.asyncProperty(program, cacheOptions, clients, async (program, options, clients) => {
        const cached = toApp(program, options, 'error')
        const bare = toApp(program, options, 'no cache')
        const answers = await interleave(clients, (client) => cached.ask(client).catch(() => [500, '', null]))
        const expected = await Promise.all(clients.map(([client]) => bare.ask(client)))
        answers.forEach((answer, index) => {
          if (answer[0] !== 500) expect(answer).toEqual(expected[index])
        })
        await cached.settled()
      }),
      { numRuns: runs(150) },
    )
  })
})

// ── keys ──

const same = (one: unknown, other: unknown): boolean => {
  if (Object.is(one, other)) return true
  if (typeof one !== 'object' || typeof other !== 'object' || !one || !other) return false
  if (one instanceof Date || other instanceof Date)
    return one instanceof Date && other instanceof Date && Object.is(one.getTime(), other.getTime())
  if (one instanceof URL || other instanceof URL)
    return one instanceof URL && other instanceof URL && one.href === other.href
  for (const kind of [Map, Set])
    if (one instanceof kind || other instanceof kind)
      return one instanceof kind && other instanceof kind && same([...one], [...other])
  if (Array.isArray(one) !== Array.isArray(other)) return false
  if (Array.isArray(one) && one.length !== (other as unknown[]).length) return false
  const names = [...new Set([...Object.keys(one), ...Object.keys(other)])]
  if (!names.every((name) => Object.hasOwn(one, name) && Object.hasOwn(other, name))) return false
  return names.every((name) => same((one as never)[name], (other as never)[name]))
}

// A few values whose encodings could be confused.
const atom = fc.oneof(
  fc.constantFrom<unknown>(
    undefined,
    null,
    true,
    false,
    0,
    -0,
    1,
    -1,
    NaN,
    Infinity,
    -Infinity,
    1n,
    0n,
    -1n,
    1e21,
    1e-7,
  ),
  fc.constantFrom(
    '',
    ' ',
    'undefined',
    'null',
    'true',
    '0',
    '-0',
    '1',
    '1n',
    'NaN',
    '1e21',
    '"',
    '\\',
    '\\"',
    '","',
    '",',
    ',',
    ':',
    '{}',
    '[]',
    '[',
    ']',
  ),
  fc.constantFrom(
    '\ud800',
    '\udc00',
    '\\ud800',
    '\ufffd',
    '\0',
    '\n',
    '\\n',
    '\u2028',
    'é',
    'e\u0301',
    'Date(1)',
    'Map[]',
    '__proto__',
    'toString',
  ),
  fc.constantFrom(
    new Date(1),
    new Date(0),
    new Date(NaN),
    new URL('http://a/'),
    new URL('http://a/?b'),
    new URL('http://A'),
  ),
)
const member = fc.constantFrom('a', 'b', '', '"', ':', 'a:1', 'a":1,"b', '__proto__', 'constructor', '0')
const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    atom,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.sparseArray(tie('value'), { maxLength: 3, noTrailingHole: false }),
    fc.array(tie('value'), { maxLength: 2 }).map((members) => new Set(members)),
    fc.array(fc.tuple(tie('value'), tie('value')), { maxLength: 2 }).map((members) => new Map(members)),
    fc.array(fc.tuple(member, tie('value')), { maxLength: 3 }).map((members) => Object.fromEntries(members)),
    fc
      .array(fc.tuple(member, tie('value')), { maxLength: 3 })
      .map((members) => Object.assign(Object.create(null) as object, Object.fromEntries(members))),
  ),
}))

describe('encodeValue', () => {
  it('returns equal strings if and only if the values are equal', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 2, maxLength: 12 }), (values) => {
        const texts = values.map(encodeValue)
        // Each encoded string is also tested as a value.
        const all = [...values, ...texts]
        const written = [...texts, ...texts.map(encodeValue)]
        for (let one = 0; one < all.length; one++)
          for (let other = 0; other < one; other++)
            expect([written[one] === written[other], all[one], all[other]]).toEqual([
              same(all[one], all[other]),
              all[one],
              all[other],
            ])
      }),
      { numRuns: runs(1_000) },
    )
  })

  it('returns a string for any value, or throws a TypeError', () => {
    fc.assert(
      fc.property(
        fc.anything({
          withBigInt: true,
          withDate: true,
          withMap: true,
          withSet: true,
          withNullPrototype: true,
          withObjectString: true,
          withTypedArray: true,
          withBoxedValues: true,
          withSparseArray: true,
        }),
        (any) => {
          try {
            expect(encodeValue(any)).toEqual(expect.any(String))
          } catch (error) {
            expect(error).toBeInstanceOf(TypeError)
          }
        },
      ),
      { numRuns: runs(1_000) },
    )
  })
})

describe('cache keys', () => {
  it('differ for requests that the handler can distinguish', async () => {
    const cache = createCache()
    const varied = ['x-a', 'x-b']
    const item = route('/items/[...path]')
      .use(cache({ revalidate: false, vary: varied, key: ({ env }) => (env as { extra: unknown }).extra }))
      .get(
        {
          query: z.object({ a: z.array(z.string()).optional(), b: z.string().optional() }),
          headers: z.object({ 'x-c': z.string().optional() }),
        },
        (request, { params, query, headers, env }) => ({
          path: params.path,
          query,
          headers,
          varied: varied.map((name) => request.headers.get(name)),
          extra: encodeValue((env as { extra: unknown }).extra),
        }),
      )
    const app = router({ item })
    const text = fc.constantFrom(
      '',
      ' ',
      'a',
      'b',
      '"',
      '\\',
      ',',
      '\n',
      '%0a',
      '}',
      ']',
      '{} ',
      'null',
      '&b=',
      '#',
      '?',
      '[null,null]',
      'é',
    )
    const header = fc.constantFrom(undefined, '', 'a', 'null', '"', 'a, b', ',', '[null]', '\\', ' ')
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 3 }),
        fc.option(fc.array(text, { maxLength: 2 })),
        fc.option(text),
        fc.tuple(header, header, header),
        value,
        async (path, a, b, [xa, xb, xc], extra) => {
          const search = new URLSearchParams()
          for (const one of a ?? []) search.append('a', one)
          if (b !== null) search.set('b', b)
          const given = new Headers()
          for (const [name, value] of [
            ['x-a', xa],
            ['x-b', xb],
            ['x-c', xc],
          ] as const)
            if (value !== undefined) given.set(name, value)
          const url = `http://test/items/${path.map((segment) => encodeURIComponent(segment) || '-').join('/')}?${search.toString()}`
          const response = await app.fetch(new Request(url, { headers: given }), { extra })
          expect(await response.json()).toEqual({
            path: path.map((segment) => segment || '-'),
            query: { ...(a?.length && { a }), ...(b !== null && { b }) },
            headers: given.has('x-c') ? { 'x-c': given.get('x-c') } : {},
            varied: [given.get('x-a'), given.get('x-b')],
            extra: encodeValue(extra),
          })
        },
      ),
      { numRuns: runs(1_000) },
    )
  })
})
