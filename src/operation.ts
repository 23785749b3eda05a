import { Context } from './context.js'
import { compose, isRing, ring, settle, toThrown, type AnyMiddleware, type Answer, type Ring } from './middleware.js'
import { toFailure, toProblem } from './problem.js'
import { isResponse } from '#response'
import type { StaticParams } from './static-params.js'
import { bodyKinds, isSchema, parseWith, toPrepare, toRespond, type Operation, type Schema } from './validate.js'

/** A route that contradicts itself. The message says what to do. */
export class RouteError extends Error {
  override readonly name = 'RouteError'
}

/** The methods that a route can have. QUERY is a GET with a body. */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS' | 'QUERY'

export const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'QUERY']

/** A route as data. */
export interface RouteData {
  readonly pattern: string
  readonly params: Schema | undefined
  /** Around the operations that are declared next. */
  readonly middleware: readonly AnyMiddleware[]
  readonly operations: ReadonlyMap<Method, RouteOperation>
  /** Those known ahead, where there are any. */
  readonly staticParams?: StaticParams | undefined
}

/** One operation of a route, as data. */
export interface RouteOperation {
  readonly method: Method
  /** Its schemas and limits, as they were given. */
  readonly declaration: Operation
  readonly handler: (request: Request, context: any) => unknown
  /** From the outside in. */
  readonly middleware: readonly AnyMiddleware[]
  /** Where it was declared, as a stack, while a command asks for it. */
  readonly stack: string | undefined
  /** Middleware, validation and handler as one. */
  readonly answer: Answer
}

const knownKeys = ['query', 'headers', ...bodyKinds, 'response', 'bodyLimit', 'openapi']

/**
 * An operation for a route, ready to answer.
 *
 * @throws RouteError if its declaration is not one.
 */
export function toOperation(
  { pattern, params, middleware, operations }: RouteData,
  method: Method,
  operation: Operation,
  handler: RouteOperation['handler'] | undefined,
): RouteOperation {
  if (operations.has(method))
    throw new RouteError(`route '${pattern}' already has a ${method} handler; remove one of the two`)
  const call = `.${method.toLowerCase()}()`
  const fail = (mistake: string): never => {
    throw new RouteError(`route '${pattern}': ${call} ${mistake}`)
  }
  if (typeof operation !== 'object' || operation === null || isSchema(operation))
    fail(`takes (handler) or (operation, handler); an operation is an object such as { query: schema }.`)
  if (typeof handler !== 'function') fail(`has no handler; give it a function (request, context) => answer.`)
  for (const [key, value] of Object.entries(operation)) {
    if (!knownKeys.includes(key)) fail(`declares '${key}', which is none of ${knownKeys.join(', ')}.`)
    if (key === 'openapi') {
      if (typeof value !== 'object' || value === null)
        fail(`has an openapi that is not an object such as { summary: '…' }.`)
    } else if (key === 'bodyLimit') {
      if (!(typeof value === 'number' && value >= 0)) fail(`has a bodyLimit that is not a number of bytes.`)
    } else if (key === 'stream') {
      if (!/^[\w*+.-]+\/[\w*+.-]+$/.test(String(value)))
        fail(`has a stream that is not a media range, such as 'video/*' or '*/*'.`)
    } else if (key === 'response' && value && !isSchema(value)) {
      for (const [status, schema] of Object.entries(value as object))
        if (!/^[1-5]\d\d$/.test(status) || !isSchema(schema))
          fail(`declares a response for '${status}' that is not a schema for a status.`)
    } else if (value !== undefined && !isSchema(value))
      fail(`declares a '${key}' that is not a Standard Schema, such as z.object({ … }).`)
  }
  const kinds = bodyKinds.filter((kind) => operation[kind])
  if (kinds.length > 1) fail(`declares ${kinds.join(' and ')}; a request has one body.`)
  if (kinds.length && (method === 'GET' || method === 'HEAD'))
    fail(`declares a ${kinds[0]}, but a ${method} request has no body; use .query() or .post().`)
  const answer = withParams(params, toAnswer(pattern, method, operation, handler!, middleware))
  return { method, declaration: operation, handler: handler!, middleware, stack: toStack(), answer }
}

// A stack costs more than the rest of a declaration: a command sets this before it loads an app.
const asked: unique symbol = Symbol.for('byway.stacks') as never
const toStack = (): string | undefined =>
  (globalThis as { [asked]?: boolean })[asked] ? new Error('declared').stack : undefined

function toAnswer(
  pattern: string,
  method: Method,
  operation: Operation,
  handler: RouteOperation['handler'],
  middleware: readonly AnyMiddleware[],
): Answer {
  const at = middleware.findIndex(isRing)
  if (at === -1) return compose(middleware, toLeaf(operation, handler))
  if (middleware.findLastIndex(isRing) !== at)
    throw new RouteError(`route '${pattern}' has two caches around .${method.toLowerCase()}(); leave one of them.`)
  // The inputs that a cache looks an answer up by are there before it; a body is nothing that it knows.
  const { query, headers, ...rest } = operation
  const isRead = method === 'GET'
  const inner = compose(middleware.slice(at + 1), toLeaf(isRead ? rest : operation, handler))
  const layer = (middleware[at] as AnyMiddleware & Ring)[ring]({
    method,
    pattern,
    readsHeaders: !!headers,
    validate: isRead ? toPrepare({ ...(query && { query }), ...(headers && { headers }) }) : undefined,
    answer: inner,
  })
  return compose(middleware.slice(0, at), layer)
}

/** What a route answers once its own schema has parsed what its pattern captured: what does not fit is not this route's URL. */
export function withParams(schema: Schema | undefined, inside: Answer): Answer {
  if (!schema) return inside
  return (request, context) => {
    const exchange = Context.exchange(context)
    const proceed = (parsed: unknown): Response | Promise<Response> => {
      if (parsed) {
        exchange.params = (parsed as { value: Record<string, unknown> }).value
        return inside(request, context)
      }
      exchange.forget()
      return toProblem(404)
    }
    const refuse = (error: unknown): Response => {
      exchange.forget()
      return toFailure(error, 'input', 404)
    }
    try {
      const parsed = parseWith(schema, exchange.params)
      return parsed instanceof Promise ? parsed.then(proceed, refuse) : proceed(parsed)
    } catch (error) {
      return refuse(error)
    }
  }
}

// Validation and handler, inside all middleware.
function toLeaf(operation: Operation, handler: RouteOperation['handler']): Answer {
  const prepare = toPrepare(operation)
  const respond = toRespond(operation)
  const make = (value: unknown, context: Context): Response | Promise<Response> => {
    try {
      const response = respond(value, context)
      if (isResponse(response)) return Context.exchange(context).watch(response)
      return response.then(
        (response) => Context.exchange(context).watch(response),
        (error: unknown) => toThrown(error, 'response'),
      )
    } catch (error) {
      return toThrown(error, 'response')
    }
  }
  const handle: Answer = (request, context) => {
    try {
      return settle(handler(request, context), context, 'handler', make)
    } catch (error) {
      return toThrown(error, 'handler')
    }
  }
  if (!prepare) return handle
  return (request, context) => {
    const refused = prepare(request, context)
    if (!refused) return handle(request, context)
    if (isResponse(refused)) return refused
    return refused
      .then((refused) => refused ?? handle(request, context))
      .catch((error: unknown) => toThrown(error, 'input'))
  }
}
