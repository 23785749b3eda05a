import type { BodyKind, Operation } from './declaration.js'
import type { Exchange } from './exchange.js'
import { readBody } from './inputs/body.js'
import { json } from './inputs/json.js'
import { toQueryParser } from './inputs/query.js'
import { isPromise, type Inputs } from './middleware.js'
import { NullObject } from './null-object.js'
import { toFailure, toInputErrors, toInvalid } from './problem.js'
import { isResponse } from '#response'
import { isSchema, validate, type Result, type Schema } from './schema.js'

/** The kind of a declared body: a schema alone declares JSON. */
export const toBodyKind = ({ body }: Operation): BodyKind | undefined => (isSchema(body) ? json(body) : body)

/** Reads and validates inputs. Throws, or rejects with, a Response if they are invalid. */
export type Read<inputs> = (request: Request, exchange: Exchange) => inputs | Promise<inputs>

/**
 * Makes the function that validates the declared query and headers, once for each request. Returns `undefined` if the
 * operation declares neither.
 */
export function toReadInputs({ query, headers }: Operation): Read<Inputs> | undefined {
  if (!query && !headers) return undefined
  const parseQuery = query && toQueryParser(query)
  const readQuery = (exchange: Exchange): unknown =>
    guard('query', () => parseQuery!(exchange.search, (result) => valueOf('query', result)))
  const readHeaders = ({ headers: given }: Request): unknown =>
    guard('headers', () => {
      const value = new NullObject()
      for (const [name, text] of given) value[name] = text
      return validate(headers!, value, (result) => valueOf('headers', result))
    })
  return (request, exchange) => {
    if (exchange.inputs) return exchange.inputs
    const finish = (query?: unknown): Inputs | Promise<Inputs> => {
      if (!headers) return { query }
      const value = readHeaders(request)
      return isPromise(value)
        ? value.then((headers) => ({ query, headers }))
        : { ...(parseQuery && { query }), headers: value }
    }
    const value = parseQuery && readQuery(exchange)
    return (exchange.inputs = isPromise(value) ? value.then(finish) : finish(value)) as Inputs
  }
}

/** Makes the function that reads and validates the declared body. Returns `undefined` if the operation declares none. */
export function toReadBody(operation: Operation): Read<unknown> | undefined {
  const kind = toBodyKind(operation)
  if (!kind) return undefined
  const schema = kind.schema as Schema | undefined
  return async (request, { server, host }) => {
    const value = await readBody(kind, request, operation.bodyLimit ?? server.bodyLimit, host.isServer)
    return schema ? guard('body', () => validate(schema, value, (result) => valueOf('body', result))) : value
  }
}

function valueOf(name: string, result: Result): unknown {
  if (result.issues) throw toInvalid(toInputErrors(name, result.issues), result.issues)
  return result.value
}

// A validator that fails because of a client's value is the client's 400, and its error goes to `onError`.
function guard(name: string, run: () => unknown): unknown {
  const fail = (error: unknown): never => {
    throw isResponse(error)
      ? error
      : toFailure(error, 'input', 400, 'Bad Request', { detail: `The ${name} could not be validated.` })
  }
  try {
    const value = run()
    return value instanceof Promise ? value.catch(fail) : value
  } catch (error) {
    return fail(error)
  }
}
