import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { middleware, route, router } from '../src/index.js'
import * as reply from '../src/replies/index.js'
import * as native from '../src/response.js'
import * as lazy from '../src/response-node.js'

// On Node.js, byway's own Responses store their text outside of a stream. They must behave as native Responses of the same
// parts, whatever code does with them.

interface Parts {
  readonly text: string | null
  readonly status: number
  readonly contentType: string
  readonly headers: [string, string][]
}

function make({ text, status, contentType, headers }: Parts): { own: Response; native: Response } {
  const pairs = [...(text === null ? [] : [['content-type', contentType] as const]), ...headers] as [string, string][]
  if (text === null) {
    pairs.push(['location', '/x'])
    return { own: reply.redirect('/x', { headers }), native: new Response(null, { status: 307, headers: pairs }) }
  }
  return {
    own: reply.text(text, { status: status as 200, headers: pairs }),
    native: new Response(text, { status, headers: pairs }),
  }
}

const type = (): fc.Arbitrary<string> =>
  fc.constantFrom(
    'text/plain;charset=UTF-8',
    'application/json',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=b',
    'image/png',
    'nonsense',
  )
const text = (): fc.Arbitrary<string> =>
  fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'grapheme' }),
    fc.json(),
    fc.constantFrom('', 'a=b&c=%20d', '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n--b--\r\n'),
    fc.string().map((text) => `\uFEFF${text}`),
    fc.string().map((text) => `${text}\uD800`),
    fc.json().map((text) => `\uFEFF${text}`),
  )
const parts = (): fc.Arbitrary<Parts> =>
  fc.record({
    text: fc.oneof({ weight: 6, arbitrary: text() }, { weight: 1, arbitrary: fc.constant(null) }),
    status: fc.constantFrom(200, 201, 206, 404, 500, 599),
    contentType: type(),
    headers: fc.array(
      fc.tuple(fc.constantFrom('x-a', 'x-b', 'set-cookie', 'cache-control'), fc.constantFrom('1', '2', 'a, b')),
      { maxLength: 4 },
    ),
  })

// The operations on a Response. Each returns a value that can be compared.
const steps: Record<string, (response: Response) => unknown> = {
  text: (response) => response.text(),
  json: (response) => response.json(),
  arrayBuffer: async (response) => [...new Uint8Array(await response.arrayBuffer())],
  blob: async (response) => {
    const blob = await response.blob()
    return [blob.type, blob.size, await blob.text()]
  },
  formData: async (response) => [...(await response.formData())],
  body: (response) => [
    response.body === null,
    response.body === response.body,
    response.body instanceof ReadableStream,
  ],
  locked: (response) => response.body?.locked,
  bodyUsed: (response) => response.bodyUsed,
  stream: async (response) => {
    const chunks: number[] = []
    for await (const chunk of response.body ?? []) chunks.push(...chunk)
    return chunks
  },
  lock: (response) => void response.body?.getReader(),
  // Not awaited: half of a cloned stream waits for the other half.
  cancel: (response) => {
    response.body?.cancel().catch(() => {})
    return response.bodyUsed
  },
  pipe: (response) => new Response(response.body?.pipeThrough(new TransformStream())).text(),
  clone: async (response) => {
    const copy = response.clone()
    return [copy.status, [...copy.headers], copy.body === null, copy.bodyUsed, await copy.text(), response.bodyUsed]
  },
  cloneOfClone: (response) => response.clone().clone().text(),
  cloneIsApart: (response) => {
    const copy = response.clone()
    copy.headers.set('x-only-copy', '1')
    return [response.headers.has('x-only-copy'), copy.headers.has('x-only-copy')]
  },
  rebuild: async (response) => {
    const again = new Response(response.body, response)
    return [again.status, again.statusText, [...again.headers], await again.text(), response.bodyUsed]
  },
  status: ({ status, ok, statusText, type, url, redirected }) => [status, ok, statusText, type, url, redirected],
  headers: (response) => [[...response.headers], response.headers === response.headers],
  getSetCookie: ({ headers }) => headers.getSetCookie(),
  set: ({ headers }) => headers.set('x-a', 'changed'),
  append: ({ headers }) => headers.append('set-cookie', 'c=d'),
  delete: ({ headers }) => headers.delete('x-a'),
  badHeader: ({ headers }) => headers.set('x a', '1'),
  tag: (response) => [Object.prototype.toString.call(response), `${response}`, response[Symbol.toStringTag as never]],
  instance: (response) => response instanceof Response,
  assign: (response) => {
    'use strict'
    ;(response as { status: number }).status = 7
  },
}
if ('bytes' in Response.prototype)
  steps['bytes'] = async (response) => {
    const bytes = await (response as Response & { bytes(): Promise<Uint8Array> }).bytes()
    return [bytes.constructor.name, ...bytes]
  }

async function run(step: (response: Response) => unknown, response: Response): Promise<unknown> {
  try {
    return { value: await step(response) }
  } catch (error) {
    return { error: (error as Error).constructor.name }
  }
}

describe("byway's own Response", () => {
  it('behaves as a native one after any sequence of steps', async () => {
    await fc.assert(
      fc.asyncProperty(
        parts(),
        fc.array(fc.constantFrom(...Object.keys(steps)), { minLength: 1, maxLength: 5 }),
        async (parts, names) => {
          const { own, native } = make(parts)
          for (const name of names)
            expect([name, await run(steps[name]!, own)]).toEqual([name, await run(steps[name]!, native)])
        },
      ),
      { numRuns: 1_500 },
    )
  })

  it('behaves as a native one after each pair of steps', async () => {
    for (const content of ['{"a":"ä"}', '', null])
      for (const one of Object.keys(steps))
        for (const other of Object.keys(steps)) {
          const { own, native } = make({
            text: content,
            status: 200,
            contentType: 'application/json',
            headers: [['x-a', '1']],
          })
          const did = [await run(steps[one]!, own), await run(steps[other]!, own)]
          const does = [await run(steps[one]!, native), await run(steps[other]!, native)]
          expect([content, one, other, did]).toEqual([content, one, other, does])
        }
  })

  it('returns its text as a native one does: without a byte order mark or lone surrogates', async () => {
    for (const [text, read] of [
      ['\uFEFFa', 'a'],
      ['a\uFEFF', 'a\uFEFF'],
      ['\uD800', '\uFFFD'],
      ['\uDC00\uD800', '\uFFFD\uFFFD'],
      ['😀', '😀'],
    ] as const) {
      expect(await reply.text(text).text()).toBe(read)
      expect(await reply.text(text).clone().text()).toBe(read)
    }
    expect(await reply.text('\uFEFF{"a":1}').json()).toEqual({ a: 1 })
  })

  it('can be read once', async () => {
    const response = reply.json({ a: 1 })
    expect(response.bodyUsed).toBe(false)
    expect(await response.json()).toEqual({ a: 1 })
    expect(response.bodyUsed).toBe(true)
    await expect(response.text()).rejects.toThrow(TypeError)
    await expect(response.arrayBuffer()).rejects.toThrow(TypeError)
    expect(() => response.clone()).toThrow(TypeError)
    expect(() => new Response(response.body, response)).toThrow(TypeError)
  })

  it('shares no state with its clone', async () => {
    const one = reply.text('a')
    const other = one.clone()
    expect(await one.text()).toBe('a')
    expect(other.bodyUsed).toBe(false)
    expect(await other.text()).toBe('a')
  })

  it('throws for what a native one throws for', () => {
    for (const status of [0, 99, 101, 199, 600, 1000, Number.NaN]) {
      expect(() => new Response('', { status }), String(status)).toThrow(RangeError)
      expect(() => reply.text('', { status: status as 200 }), String(status)).toThrow(RangeError)
    }
    for (const status of [204, 205, 304]) {
      expect(() => new Response('x', { status })).toThrow(TypeError)
      const { body, headers } = reply.text('x', { status: status as 200 })
      expect([body, [...headers]]).toEqual([null, []])
    }
    for (const headers of [{ 'a b': 'c' }, { a: 'b\nc' }, { a: 'ā' }, [['a']]])
      expect(() => reply.text('x', { headers: headers as never })).toThrow(TypeError)
  })

  it('is shown on the console as a Response with its status', () => {
    expect(inspect(reply.json({ a: 1 }, { status: 201 }))).toMatch(/Response.*201/s)
  })

  it('has a constructor with the name Response', () => {
    expect(reply.text('a').constructor.name).toBe('Response')
  })

  it('has the changes of middleware, in the response to HEAD too', async () => {
    const layer = middleware(async (_request, _context, next) => {
      const response = await next()
      response.headers.set('x-late', 'yes')
      response.headers.append('set-cookie', 'a=b')
      response.headers.append('set-cookie', 'c=d')
      response.headers.delete('content-type')
      return response
    })
    const app = router({ it: route('/').get(() => 'ä') }, { use: [layer] })
    for (const method of ['GET', 'HEAD']) {
      const response = await app.fetch(new Request('http://test/', { method }))
      expect(response.headers.getSetCookie()).toEqual(['a=b', 'c=d'])
      expect([response.headers.get('x-late'), response.headers.has('content-type')]).toEqual(['yes', false])
      expect(await response.text()).toBe(method === 'GET' ? '"ä"' : '')
      if (method === 'HEAD') expect(response.headers.get('content-length')).toBe('4')
    }
  })

  it('does not replace a Content-Length that the handler set', async () => {
    const app = router({ it: route('/').get(() => reply.text('abc', { headers: { 'content-length': '7' } })) })
    const response = await app.fetch(new Request('http://test/', { method: 'HEAD' }))
    expect(response.headers.get('content-length')).toBe('7')
  })
})

describe.each([
  ['response.ts', native],
  ['response-node.ts', lazy],
])(
  'createResponse() of %s',
  (name, { createResponse, memoryOf, ownTarget, remember, textOf, toTypeHeaders, withoutBody }) => {
    it('remembers facts about a Response without a property that code can see', () => {
      const response = createResponse('a', 200, [], { isReply: true, data: 1 })
      const cause = { error: new Error('a'), phase: 'handler', wasRead: false }
      remember(response, { cause })
      expect(memoryOf(response)).toMatchObject({ isReply: true, data: 1, cause })
      expect([Object.keys(response), 'data' in response]).toEqual([[], false])
      expect(memoryOf(response.clone())).toBe(undefined)
    })

    it('gives each Response headers of its own', () => {
      const toText = () => createResponse('a', 200, toTypeHeaders('text/plain'))
      const first = toText()
      first.headers.set('content-type', 'text/html')
      first.headers.append('x-a', 'b')
      const second = toText()
      expect([...second.headers]).toEqual([['content-type', 'text/plain']])
      second.headers.delete('content-type')
      expect([...toText().headers]).toEqual([['content-type', 'text/plain']])
      expect([...first.headers]).toEqual([
        ['content-type', 'text/html'],
        ['x-a', 'b'],
      ])
    })

    it('does not change the facts that it is given', () => {
      const facts = { isReply: true } as const
      const [one, two] = [createResponse('one', 200, [], facts), createResponse('two', 200, [], facts)]
      expect([textOf(one), textOf(two), facts]).toEqual(['one', 'two', { isReply: true }])
      remember(two, { data: 2 })
      expect([memoryOf(one), memoryOf(two)]).toMatchObject([{ isReply: true }, { isReply: true, data: 2 }])
      expect(memoryOf(one)).not.toHaveProperty('data')
    })

    it('remembers facts about a Response that byway did not create', () => {
      const response = new Response('a')
      expect(memoryOf(response)).toBe(undefined)
      remember(response, { data: 1 })
      remember(response, { isReply: true })
      expect(memoryOf(response)).toEqual({ data: 1, isReply: true })
    })

    it('calls a function as body once, and only when the text is needed on Node.js', async () => {
      let calls = 0
      const write = () => `${++calls}`
      const response = createResponse(write, 200, [])
      expect(calls).toBe(name === 'response.ts' ? 1 : 0)
      expect([response.status, response.bodyUsed, textOf(response)]).toEqual([200, false, '1'])
      expect(await response.clone().text()).toBe('1')
      expect(await response.text()).toBe('1')
      expect([calls, textOf(response)]).toEqual([1, undefined])
      expect(() => createResponse(write, 204, [])).toThrow(TypeError)
    })

    it('sends HEAD the length of a text that a function writes, or no length', async () => {
      const { headers, body } = withoutBody(createResponse(() => 'ä', 200, []))
      const isNative = name === 'response.ts'
      expect([body === null, headers.get('content-length')]).toEqual([!isNative, isNative ? null : '2'])
      expect(await new Response(body).text()).toBe('')
      expect(withoutBody(createResponse(null, 204, [])).body).toBe(null)
      expect(withoutBody(createResponse('a', 200, [['content-length', '1']])).body).toBe(null)
    })

    it.each([
      ['/a', true, '/a'],
      ['/a', false, undefined],
      ['//a', true, undefined],
      ['/\\a', true, undefined],
      ['https://a.example/', true, undefined],
    ])('has the path %s as its own target if it is a reply (%s): %s', (location, isReply, target) => {
      const response = createResponse(null, 307, [['location', location]], isReply ? { isReply } : {})
      expect(ownTarget(response)).toBe(target)
    })
  },
)
