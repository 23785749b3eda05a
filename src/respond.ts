import type { Operation } from './declaration.js'
import type { Exchange } from './exchange.js'
import { toJson } from './json.js'
import { toInputErrors, type InputError } from './problem.js'
import { createResponse, isResponse, memoryOf, toTypeHeaders } from '#response'
import { isSchema, validate, type Result, type Schema } from './schema.js'

/**
 * Converts what a handler returned to a Response: a `Response` as it is, `undefined` to a 204, any other value to JSON. Waits for the
 * first item of a stream.
 *
 * @throws TypeError if the value cannot be sent.
 */
function toResponse(value: unknown, { request }: Exchange): Response | Promise<Response> {
  if (value === undefined) return createResponse(null, 204, [])
  if (typeof value === 'object' && value !== null) {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== Object.prototype && isResponse(value)) {
      if (value.type === 'error') throw new TypeError('Response.error() cannot be sent; use reply.problem()')
      if (value.bodyUsed) throw new TypeError('the handler returned a Response whose body was read; return a clone')
      return (request.method !== 'HEAD' && memoryOf(value)?.begin?.(value)) || value
    }
    if (Symbol.asyncIterator in value)
      throw new TypeError('an async iterable cannot be sent; use reply.ndjson(), reply.sse() or reply.stream()')
  }
  return createResponse(toJson(value), 200, toTypeHeaders('application/json'))
}

/** Makes the function that converts what the handler of an operation returned. */
export function toRespond({
  response: declared,
}: Operation): (value: unknown, exchange: Exchange) => Response | Promise<Response> {
  if (!declared) return toResponse
  const schemas = (isSchema(declared) ? { 200: declared } : declared) as { readonly [status: number]: Schema }
  return (value, exchange) => {
    const reply = isResponse(value) ? value : undefined
    const memory = reply && memoryOf(reply)
    const status = reply ? reply.status : value === undefined ? 204 : 200
    const schema = schemas[status]
    // A Response without data, such as a native one or a stream, is not validated.
    if (!schema || !exchange.server.responseValidation || (reply && !(memory && 'data' in memory)))
      return toResponse(value, exchange)
    const convert = (result: Result): Response | Promise<Response> => {
      if (result.issues) throw new ResponseError(status, toInputErrors('response', result.issues))
      if (!reply) return toResponse(result.value, exchange)
      return status === 204 || status === 205 ? reply : withData(reply, result.value)
    }
    return validate(schema, reply ? memory!.data : value, convert)
  }
}

// The same reply with other data.
function withData(reply: Response, data: unknown): Response {
  const isText = typeof data === 'string' && !/[/+]json\b/.test(reply.headers.get('content-type') ?? '')
  return createResponse(isText ? data : toJson(data), reply.status, [...reply.headers], { data, isReply: true })
}

/** A handler returned data that does not match the declared response. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError'
  readonly errors: readonly InputError[]
  constructor(status: number, errors: readonly InputError[]) {
    super(
      `the response does not match the schema declared for ${status}: ${errors.map(({ pointer, detail }) => `${pointer || 'the value'}: ${detail}`).join('; ')}`,
    )
    this.errors = errors
  }
}
