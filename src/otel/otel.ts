import {
  context as active,
  metrics,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Meter,
  type Span,
  type TextMapGetter,
  type Tracer,
} from '@opentelemetry/api'
import { createSensitiveLookup } from '../middleware/sensitive.js'
import type { AnyContext, Continued, Middleware } from '../middleware.js'
import { errorOf } from '../problem.js'

export interface OtelOptions {
  /** Starts the spans. @default the tracer `byway` of the global provider */
  readonly tracer?: Tracer
  /** Records the metrics. @default the meter `byway` of the global provider */
  readonly meter?: Meter
  /**
   * Whether a trace that the client began is continued. Set it to `false` where clients that you do not trust send requests:
   * they could choose trace IDs and force sampling.
   * @default true
   */
  readonly trust?: boolean
  /** Returns more attributes of the span, such as the ID of the user. Do not return secrets. @default none */
  readonly attributes?: (request: Request, context: AnyContext, response: Response) => Attributes
}

/**
 * Records a span and metrics for each request by OpenTelemetry's conventions for HTTP servers. The span is active in the
 * handler, so spans of databases and clients become its children. `http.route` is the pattern. The span ends when the response
 * has been written, or its streamed body has ended. An error that became a 500 is recorded as an exception. Queries are not
 * recorded, and of a `sensitive` operation no path either.
 *
 * Set up an OpenTelemetry SDK before the app is loaded; without one, nothing is recorded. In a router's `use`, it should be the
 * first.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/http/
 * @example
 * export default router({ items }, { use: [otel(), requestId(), logger()] })
 */
export function otel(options: OtelOptions = {}): Middleware<AnyContext, Continued<{}>> {
  const { trust = true, attributes } = options
  const tracer = options.tracer ?? trace.getTracer('byway')
  const { begin, end } = createMetrics(options.meter ?? metrics.getMeter('byway'))
  const isSensitive = createSensitiveLookup()

  return function traceRequest(request, context, next) {
    const started = performance.now()
    const method = knownMethods.has(request.method) ? request.method : '_OTHER'
    const { protocol, hostname, port, pathname } = context.url
    const common = { 'http.request.method': method, 'url.scheme': protocol.slice(0, -1) }
    const parent = trust ? propagation.extract(ROOT_CONTEXT, request.headers, getter) : ROOT_CONTEXT
    const span = tracer.startSpan(
      method === '_OTHER' ? 'HTTP' : method,
      { kind: SpanKind.SERVER, attributes: common },
      parent,
    )
    begin(common)
    let shared: Attributes = common
    context.after(() => {
      span.end()
      end(common, shared, (performance.now() - started) / 1_000)
    })

    const finish = (response: Response): void => {
      const { status } = response
      const { pattern } = context
      const error = errorOf(response)
      shared = {
        ...common,
        'http.response.status_code': status,
        ...(pattern !== undefined && { 'http.route': pattern }),
        ...(status >= 500 && { 'error.type': error instanceof Error ? error.name : String(status) }),
      }
      if (pattern !== undefined) span.updateName(`${method === '_OTHER' ? 'HTTP' : method} ${pattern}`)
      span.setAttributes({
        ...shared,
        'server.address': hostname,
        ...(port !== '' && { 'server.port': Number(port) }),
        ...(!isSensitive(request.method, context) && { 'url.path': pathname }),
        ...(method === '_OTHER' && { 'http.request.method_original': request.method.slice(0, 32) }),
        ...headerAttributes(request, context),
        ...attributes?.(request, context, response),
      })
      record(span, status, error)
    }

    return active.with(trace.setSpan(parent, span), () =>
      next().then((response) => {
        try {
          finish(response)
        } catch (error) {
          context.report(error)
        }
        return response
      }),
    )
  }
}

/**
 * The headers that continue the active trace in another service: `traceparent`, and what else the propagator adds.
 *
 * @see https://www.w3.org/TR/trace-context/
 * @example
 * const api = createClient<App>({ baseUrl, headers: traceHeaders })
 * route('/files/[...path]').get((request, { params }) => reply.proxy(request, target(params), { headers: traceHeaders() }))
 */
export function traceHeaders(): Record<string, string> {
  const headers: Record<string, string> = {}
  propagation.inject(active.active(), headers)
  return headers
}

// https://opentelemetry.io/docs/specs/semconv/attributes-registry/http/
const knownMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'QUERY',
  'CONNECT',
  'TRACE',
])

const getter: TextMapGetter<Headers> = {
  keys: (headers) => [...headers.keys()],
  get: (headers, name) => headers.get(name) ?? undefined,
}

function headerAttributes({ headers }: Request, { ip }: AnyContext): Attributes {
  const agent = headers.get('user-agent')
  return {
    ...(agent !== null && { 'user_agent.original': agent.slice(0, 256) }),
    ...(ip !== undefined && { 'client.address': ip }),
  }
}

// A status below 500 is not an error of the server.
function record(span: Span, status: number, error: unknown): void {
  if (error !== undefined && status >= 500) span.recordException(error instanceof Error ? error : String(error))
  if (status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
}

interface Metrics {
  readonly begin: (common: Attributes) => void
  readonly end: (common: Attributes, attributes: Attributes, seconds: number) => void
}

// https://opentelemetry.io/docs/specs/semconv/http/http-metrics/
function createMetrics(meter: Meter): Metrics {
  const duration = meter.createHistogram('http.server.request.duration', {
    unit: 's',
    description: 'Duration of HTTP server requests.',
    advice: { explicitBucketBoundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10] },
  })
  const requests = meter.createUpDownCounter('http.server.active_requests', {
    unit: '{request}',
    description: 'Number of active HTTP server requests.',
  })
  return {
    begin: (common) => requests.add(1, common),
    end(common, attributes, seconds) {
      requests.add(-1, common)
      duration.record(seconds, attributes)
    },
  }
}
