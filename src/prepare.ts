import type { BodyKind, Operation } from './declaration.js'
import type { Exchange } from './exchange.js'
import { readBody } from './inputs/body.js'
import { json } from './inputs/json.js'
import { toQueryParser } from './inputs/query.js'
import { toShape, type Shape } from './inputs/shape.js'
import { NullObject } from './null-object.js'
import { toFailure, toInputErrors, toInvalid } from './problem.js'
import { after, attempt } from './promise.js'
import { isResponse } from '#response'
import { isSchema, validate, type Result, type Schema } from './schema.js'

/** The kind of a declared body: a schema alone declares JSON. */
export const toBodyKind = ({ body }: Operation): BodyKind | undefined => (isSchema(body) ? json(body) : body)

/** Reads and validates inputs. Throws, or rejects with, a Response if they are invalid. */
export type Read = (request: Request, exchange: Exchange) => object | Promise<object>

// Reads the value of one input, and passes the result of its schema to `settle`.
type ReadInput = (request: Request, exchange: Exchange, settle: (result: Result) => unknown) => unknown

/** Makes the function that validates the declared query and headers, once for each request. */
export function toReadInputs({ query, headers }: Operation): Read | undefined {
  const inputs: { readonly name: string; readonly read: ReadInput }[] = []
  if (query) {
    const parse = toQueryParser(query)
    inputs.push({ name: 'query', read: (_request, { search }, settle) => parse(search, settle) })
  }
  if (headers) {
    let shape: Shape | undefined
    inputs.push({
      name: 'headers',
      read: (request, _exchange, settle) =>
        validate(headers, toObject(request.headers, (shape ??= toShape(headers))), settle),
    })
  }
  const read = (request: Request, exchange: Exchange, index: number, values: object): object | Promise<object> => {
    const input = inputs[index]
    if (!input) return values
    return after(
      guard(input.name, (settle) => input.read(request, exchange, settle)),
      (value) => read(request, exchange, index + 1, { ...values, [input.name]: value }),
    )
  }
  return inputs.length ? (request, exchange) => (exchange.inputs ??= read(request, exchange, 0, {})) : undefined
}

// Names in lower case, and those of the schema.
function toObject(headers: Headers, { members }: Shape): object {
  const object = new NullObject()
  for (const name of [...headers.keys(), ...members.keys()]) if (headers.has(name)) object[name] = headers.get(name)
  return object
}

/** Makes the function that reads and validates the declared body. Returns `undefined` if the operation declares none. */
export function toReadBody(operation: Operation): Read | undefined {
  const kind = toBodyKind(operation)
  if (!kind) return undefined
  const schema = kind.schema as Schema | undefined
  const toInput = (body: unknown): object => ({ body })
  return (request, { server, host }) =>
    after(readBody(kind, request, operation.bodyLimit ?? server.bodyLimit, host.isServer), (value) =>
      schema
        ? after(
            guard('body', (settle) => validate(schema, value, settle)),
            toInput,
          )
        : toInput(value),
    )
}

// A validator that fails because of a client's value is the client's 400, and its error goes to `onError`.
function guard(name: string, run: (settle: (result: Result) => unknown) => unknown): unknown {
  return attempt(
    () =>
      run((result) => {
        if (result.issues) throw toInvalid(toInputErrors(name, result.issues), result.issues)
        return result.value
      }),
    (value) => value,
    (error) => {
      throw isResponse(error)
        ? error
        : toFailure(error, 'input', 400, 'Bad Request', { detail: `The ${name} could not be validated.` })
    },
  )
}
