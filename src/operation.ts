import type { AnyMiddleware, RouteData, RouteOperation } from './app.js'
import type { Context } from './context.js'
import type { Exchange } from './exchange.js'
import { methods, type Method, type Operation } from './declaration.js'
import { compose, notesOf, type AroundOperation, type Chain } from './middleware.js'
import { checkOptions, hasMethod, isLimit } from './options.js'
import { toBodyKind, toReadBody, toReadInputs, type Read } from './prepare.js'
import { after, attempt } from './promise.js'
import { toRespond } from './respond.js'
import { isSchema } from './schema.js'

/** A contradiction in the declaration of a route. The message says what to do. */
export class RouteError extends Error {
  override readonly name = 'RouteError'
}

/** An operation with its middleware, validation and handler composed. */
export interface RunnableOperation extends RouteOperation {
  readonly run: Chain
}

type Handler = RouteOperation['handler']

/**
 * Makes an operation of a route.
 *
 * @throws RouteError if the declaration is invalid.
 */
export function toOperation(
  { pattern, middleware, operations, rest }: RouteData,
  method: Method | 'ALL',
  operation: Operation,
  handler: Handler | undefined,
): RunnableOperation {
  const call = `route '${pattern}': .${method.toLowerCase()}()`
  const fail = (mistake: string): never => {
    throw new RouteError(`${call} ${mistake}`)
  }
  if (method === 'ALL' ? rest : operations.has(method)) fail('is declared twice; remove one of the two')
  if (isSchema(operation)) fail('takes an operation such as { query: schema }, not a schema')
  checkOptions(call, operation, checks, RouteError)
  if (typeof handler !== 'function') fail('takes a handler (request, context) => response')
  const kind = toBodyKind(operation)
  if (kind && (method === 'GET' || method === 'HEAD'))
    fail(`declares a body, but a ${method} request has none; use .query() or .post()`)
  const data = { method: method as Method, declaration: operation, handler: handler!, middleware, stack: toStack() }
  return { ...data, run: toRun(pattern, data) }
}

const checks = {
  query: isSchema,
  headers: isSchema,
  body: (value: unknown): boolean => isSchema(value) || hasMethod('read')(value),
  response: (value: unknown): boolean =>
    isSchema(value) ||
    (typeof value === 'object' &&
      value !== null &&
      Object.entries(value).every(([status, schema]) => /^[1-5]\d\d$/.test(status) && isSchema(schema))),
  bodyLimit: isLimit,
  openapi: 'object',
  sensitive: 'boolean',
} as const

// A stack costs more than the rest of a declaration. A command requests stacks before it loads an app.
const wantsStacks: unique symbol = Symbol.for('byway.stacks') as never
const toStack = (): string | undefined =>
  (globalThis as { [wantsStacks]?: boolean })[wantsStacks] ? new Error('declared').stack : undefined

function toRun(pattern: string, { method, declaration, handler, middleware }: RouteOperation): Chain {
  const readInputs = toReadInputs(declaration)
  const operation: AroundOperation = {
    method,
    pattern,
    declaration,
    inputs: (request, context) => (readInputs ? readInputs(request, (context as Context)['~exchange']) : {}),
    href: (context) => (context as Context)['~exchange'].urlText,
  }
  const layers = middleware.map((layer): AnyMiddleware => notesOf(layer).around?.(operation) ?? layer)
  return compose(layers, toHandle(declaration, handler, readInputs))
}

// Validation and handler, inside all middleware.
function toHandle(operation: Operation, handler: Handler, readInputs: Read | undefined): Chain {
  const readBody = toReadBody(operation)
  const respond = toRespond(operation)
  const send = (value: unknown, exchange: Exchange): Response | Promise<Response> =>
    attempt(
      () => respond(value, exchange),
      (response) => exchange.settle(response, 'handler'),
      (error) => exchange.thrown(error, 'response'),
    )
  const handle: Chain = (request, context) => {
    const exchange = context['~exchange']
    return attempt(
      () => handler(request, context['~seen']),
      (value) => send(value, exchange),
      (error) => exchange.thrown(error, 'handler'),
    )
  }
  if (!readInputs && !readBody) return handle
  return (request, context) => {
    const exchange = context['~exchange']
    return attempt(
      () =>
        after(readInputs?.(request, exchange), (inputs) =>
          after(readBody?.(request, exchange), (body) => Object.assign(context, inputs, body)),
        ),
      () => handle(request, context),
      (error) => exchange.thrown(error, 'input'),
    )
  }
}

/** The `Allow` header of a route. */
export const toAllow = ({ operations, rest }: RouteData): string =>
  methods
    .filter(
      (method) =>
        rest || operations.has(method) || method === 'OPTIONS' || (method === 'HEAD' && operations.has('GET')),
    )
    .join(', ')
