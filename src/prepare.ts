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

/** Makes the function that validates the declared query and headers, once for each request. */
export function toReadInputs({ query, headers }: Operation): Read | undefined {
  if (!query && !headers) return undefined
  const parse = query && toQueryParser(query)
  let shape: Shape | undefined
  return (request, exchange) =>
    (exchange.inputs ??= after(parse && guard('query', (settle) => parse(exchange.search, settle)), (first) =>
      after(
        headers &&
          guard('headers', (settle) =>
            validate(headers, toObject(request.headers, (shape ??= toShape(headers))), settle),
          ),
        (second) => ({ ...first, ...second }),
      ),
    ))
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
  return (request, { server, host }) =>
    after(readBody(kind, request, operation.bodyLimit ?? server.bodyLimit, host.isServer), (body) =>
      schema ? guard('body', (settle) => validate(schema, body, settle)) : { body },
    )
}

// The value of an input under its name. A validator that fails because of a client's value is the client's 400, and its error
// goes to `onError`.
function guard(name: string, run: (settle: (result: Result) => object) => unknown): object | Promise<object> {
  return attempt(
    () =>
      run((result) => {
        if (result.issues) throw toInvalid(toInputErrors(name, result.issues), result.issues)
        return { [name]: result.value }
      }) as object,
    (input) => input,
    (error) => {
      throw isResponse(error)
        ? error
        : toFailure(error, 'input', 400, 'Bad Request', { detail: `The ${name} could not be validated.` })
    },
  )
}
