import { context, propagation, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createClient } from '../src/client/index.js'
import { route, router } from '../src/index.js'
import { otel, traceHeaders } from '../src/otel/index.js'
import * as reply from '../src/replies/index.js'

const spans = new InMemorySpanExporter()
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] })
beforeAll(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  propagation.setGlobalPropagator(new W3CTraceContextPropagator())
  trace.setGlobalTracerProvider(provider)
})
afterAll(() => {
  context.disable()
  propagation.disable()
  trace.disable()
})
beforeEach(() => spans.reset())

const item = route('/items/[id]')
  .get((_request, { params }) => params.id)
  .post({ sensitive: true }, () => reply.problem(409))
const broken = route('/broken').get((): string => {
  throw new RangeError('out of range')
})
const unavailable = route('/unavailable').get(() => reply.problem(503))
const inner = route('/inner').get(async () => {
  await Promise.resolve()
  trace.getTracer('app').startSpan('query').end()
  return 'x'
})
const toApp = (options?: Parameters<typeof otel>[0]) =>
  router({ item, broken, unavailable, inner }, { use: [otel(options)], onError() {} })
const send = async (path: string, init?: RequestInit, app = toApp()) => {
  const response = await app.fetch(new Request(`http://shop.test:8080${path}`, init))
  await response.arrayBuffer()
  await app.settled()
  return response
}
const last = () => spans.getFinishedSpans().at(-1)!

describe('otel()', () => {
  it('records a span with the attributes of the conventions', async () => {
    await send('/items/7?token=secret', { headers: { 'user-agent': 'test', authorization: 'Bearer secret' } })
    expect(last().name).toBe('GET /items/[id]')
    expect(last().kind).toBe(1)
    expect(last().status.code).toBe(0)
    expect(last().attributes).toEqual({
      'http.request.method': 'GET',
      'http.response.status_code': 200,
      'http.route': '/items/[id]',
      'server.address': 'shop.test',
      'server.port': 8080,
      'url.path': '/items/7',
      'url.scheme': 'http',
      'user_agent.original': 'test',
    })
  })

  it('records no path of a sensitive operation, no error below 500, and no route for a 404', async () => {
    await send('/items/7', { method: 'POST' })
    expect(last().attributes).not.toHaveProperty('url.path')
    expect(last().attributes['http.response.status_code']).toBe(409)
    expect(last().status.code).toBe(0)
    await send('/nothing')
    expect([last().name, last().attributes['http.route']]).toEqual(['GET', undefined])
  })

  it('records the error of a 500 as an exception', async () => {
    await send('/broken')
    expect(last().status.code).toBe(2)
    expect(last().attributes['error.type']).toBe('RangeError')
    expect(last().events[0]!.attributes).toMatchObject({
      'exception.type': 'RangeError',
      'exception.message': 'out of range',
    })
    await send('/unavailable')
    expect([last().attributes['error.type'], last().events.length]).toEqual(['503', 0])
  })

  it('names unknown methods _OTHER', async () => {
    await send('/items/7', { method: 'BREW' })
    expect([
      last().name,
      last().attributes['http.request.method'],
      last().attributes['http.request.method_original'],
    ]).toEqual(['HTTP /items/[id]', '_OTHER', 'BREW'])
  })

  it('is active in the handler', async () => {
    await send('/inner')
    const [query, request] = spans.getFinishedSpans()
    expect([query!.name, request!.name]).toEqual(['query', 'GET /inner'])
    expect(query!.parentSpanContext!.spanId).toBe(request!.spanContext().spanId)
  })

  it('ends when a streamed body has ended', async () => {
    const stream = route('/').get(() => reply.stream(['a', 'b']))
    const app = router({ stream }, { use: [otel()] })
    const response = await app.fetch(new Request('http://test/'))
    const reader = response.body!.getReader()
    await reader.read()
    expect(spans.getFinishedSpans()).toHaveLength(0)
    while (!(await reader.read()).done);
    await app.settled()
    expect(spans.getFinishedSpans()).toHaveLength(1)
  })

  it('joins two services in one trace, through the client', async () => {
    const back = router({ item }, { use: [otel()] })
    const api = createClient<typeof back>({ fetch: back.fetch, headers: traceHeaders })
    const call = route('/call').get(async () => (await api('/items/[id]').get({ params: { id: '7' } })).status)
    const front = router({ call }, { use: [otel()] })
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    await send('/call', { headers: { traceparent } }, front as never)
    await back.settled()
    const [inner, outer] = spans.getFinishedSpans().toSorted((one) => (one.name === 'GET /items/[id]' ? -1 : 1))
    expect([inner!.name, outer!.name]).toEqual(['GET /items/[id]', 'GET /call'])
    expect(outer!.parentSpanContext!.spanId).toBe('b7ad6b7169203331')
    expect(inner!.parentSpanContext!.spanId).toBe(outer!.spanContext().spanId)
    for (const span of [inner!, outer!]) expect(span.spanContext().traceId).toBe('0af7651916cd43dd8448eb211c80319c')
  })

  it("does not continue a client's trace without trust", async () => {
    const headers = { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' }
    await send('/items/7', { headers }, toApp({ trust: false }))
    expect(last().parentSpanContext).toBeUndefined()
  })

  it('does not change the response for any trace headers', () =>
    fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary-ascii' }),
        fc.string({ unit: fc.constantFrom(...'0123456789abcdef-z') }),
        async (state, parent) => {
          // oxlint-disable-next-line no-control-regex
          const tracestate = state.replace(/[\0\r\n]/g, '')
          expect(
            (await send('/items/7', { headers: { traceparent: parent, tracestate, baggage: tracestate } })).status,
          ).toBe(200)
        },
      ),
      { numRuns: 50 },
    ))

  it('reports an error of the attributes function, and still ends the span', async () => {
    const errors: unknown[] = []
    const attributes = () => {
      throw new Error('attributes')
    }
    const app = router({ item }, { use: [otel({ attributes })], onError: (error) => void errors.push(error) })
    expect((await send('/items/7', {}, app as never)).status).toBe(200)
    expect([errors.length, spans.getFinishedSpans().length]).toEqual([1, 1])
  })

  it('records the active requests and the duration by route and status', async () => {
    const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1_000_000 })
    const meters = new MeterProvider({ readers: [reader] })
    const app = toApp({ meter: meters.getMeter('test') })
    for (const path of ['/items/7', '/items/8', '/broken']) await send(path, {}, app)
    await meters.forceFlush()
    const found = exporter.getMetrics()[0]!.scopeMetrics[0]!.metrics
    const byName = Object.fromEntries(found.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints]))
    expect(byName['http.server.active_requests']!.map(({ value }) => value)).toEqual([0])
    const durations = byName['http.server.request.duration']! as {
      attributes: object
      value: { count: number; buckets: { boundaries: number[] } }
    }[]
    expect(durations.map(({ attributes, value }) => [attributes, value.count])).toEqual([
      [
        {
          'http.request.method': 'GET',
          'url.scheme': 'http',
          'http.response.status_code': 200,
          'http.route': '/items/[id]',
        },
        2,
      ],
      [
        {
          'http.request.method': 'GET',
          'url.scheme': 'http',
          'http.response.status_code': 500,
          'http.route': '/broken',
          'error.type': 'RangeError',
        },
        1,
      ],
    ])
    expect(durations[0]!.value.buckets.boundaries[0]).toBe(0.005)
    await meters.shutdown()
  })
})
