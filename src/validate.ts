import type { OperationNotes } from './annotations.js'
import { readBody, streamBody, type BodyKind } from './body.js'
import { Context } from './context.js'
import { toFormObject } from './form.js'
import { NullObject } from './null-object.js'
import { toFailure, toInvalid, toPointer, type InputError } from './problem.js'
import { createResponse, isResponse, memoryOf } from '#response'
import { toJson, toResponse } from './value.js'

/**
 * Any Standard Schema. Nothing below the name is compared: that would make TypeScript work out each schema's input.
 *
 * @see https://standardschema.dev
 */
export interface Schema {
  readonly '~standard': unknown
}

// Where the types are read from. zod's own member stands beside the standard one because it gives the output
// without the input, which costs a fifth of the whole program; zod documents it for libraries.
interface ZodSchema {
  readonly _zod: { readonly output: unknown }
}
interface StandardSchema {
  readonly '~standard': { readonly types?: { readonly input: unknown; readonly output: unknown } | undefined }
}

/** What a schema gives. */
// prettier-ignore
export type Output<schema> =
  schema extends ZodSchema      ? schema['_zod']['output'] :
  schema extends StandardSchema ? NonNullable<schema['~standard']['types']>['output'] :
  undefined

/** What a schema accepts. */
export type Input<schema> = schema extends StandardSchema
  ? NonNullable<schema['~standard']['types']>['input']
  : undefined

/** What an operation declares: its inputs and its answers. */
export interface Operation {
  /** The query. A name that comes once is an array of one where the schema wants an array. */
  readonly query?: Schema
  /** The request's headers, by their names in lower case. */
  readonly headers?: Schema
  /** A JSON body: `application/json` or any `+json`. */
  readonly body?: Schema
  /** A form: `multipart/form-data` or `application/x-www-form-urlencoded`. */
  readonly form?: Schema
  /** The body's characters as they came, whatever its media type. */
  readonly text?: Schema
  /** The body's bytes as they came (a `Uint8Array`), whatever its media type. */
  readonly bytes?: Schema
  /** The body while it comes, as a `ReadableStream`: the media range that it may have, such as `video/*`. Over the limit, reading it fails with a 413. */
  readonly stream?: `${string}/${string}`
  /** The answer with status 200, or one schema for each status. What is sent is the schema's output; what it refuses is a 500. */
  readonly response?: Schema | { readonly [status: number]: Schema }
  /**
   * The most bytes that a body may have; more is a 413.
   * @default the router's `bodyLimit`, 1 MiB unless given
   */
  readonly bodyLimit?: number
  /** What documents say of it. */
  readonly openapi?: OperationNotes
}

/** The inputs that `Operation` can declare, which is what they are called in the context too. */
export type InputName = 'query' | 'headers' | BodyKind

interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}
type Result = { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly Issue[] }
interface Standard {
  readonly vendor: string
  validate(value: unknown): Result | Promise<Result>
  readonly jsonSchema?: { input(options: object): Record<string, unknown> }
}

const standardOf = (schema: Schema): Standard => schema['~standard'] as Standard

// By its `then`: a promise may come from another realm, and one taken for a result would pass as valid.
function validate<value>(schema: Schema, input: unknown, settle: (result: Result) => value): value | Promise<value> {
  const result = standardOf(schema).validate(input)
  return 'then' in result ? Promise.resolve(result).then(settle) : settle(result)
}

/** Whether a value is a Standard Schema. */
export const isSchema = (value: unknown): value is Schema =>
  (typeof value === 'object' || typeof value === 'function') &&
  value !== null &&
  typeof (value as { '~standard'?: Partial<Standard> })['~standard']?.validate === 'function'

export const bodyKinds = ['body', 'form', 'text', 'bytes', 'stream'] as const

/** Which of the five ways an operation reads its body in, if any. */
export const bodyKindOf = (operation: Operation): BodyKind | undefined => bodyKinds.find((kind) => operation[kind])

/** Validates what an operation declares into the context. Gives a Response if something does not fit. */
export type Prepare = (request: Request, context: Context) => Response | undefined | Promise<Response | undefined>

/** The function that prepares an operation, or `undefined` if it declares no input. */
export function toPrepare(operation: Operation): Prepare | undefined {
  const { query, headers } = operation
  const steps: Prepare[] = []
  if (query) {
    const shape = lazily(() => toShape(query))
    steps.push((_request, context) => {
      const { search } = Context.exchange(context)
      const input = toQueryObject(search, shape())
      return isResponse(input) ? input : check('query', query, input, context)
    })
  }
  if (headers) steps.push((request, context) => check('headers', headers, toNullObject(request.headers), context))
  const kind = bodyKindOf(operation)
  if (kind) steps.push(toBodyStep(kind, operation))
  const run = (request: Request, context: Context, index: number): ReturnType<Prepare> => {
    for (; index < steps.length; index++) {
      const response = steps[index]!(request, context)
      if (response instanceof Promise) return response.then((refused) => refused ?? run(request, context, index + 1))
      if (response) return response
    }
    return undefined
  }
  return steps.length < 2 ? steps[0] : (request, context) => run(request, context, 0)
}

function toBodyStep(kind: BodyKind, operation: Operation): Prepare {
  if (kind === 'stream')
    return (request, context) => {
      const limit = operation.bodyLimit ?? Context.exchange(context).server.bodyLimit
      try {
        Object.assign(context, { stream: streamBody(request, operation.stream!, limit) })
        return undefined
      } catch (error) {
        if (isResponse(error)) return error
        throw error
      }
    }
  const schema = operation[kind]!
  const shape = lazily(() => toShape(schema))
  return async (request, context) => {
    let input: unknown
    try {
      input = await readBody(
        kind,
        request,
        operation.bodyLimit ?? Context.exchange(context).server.bodyLimit,
        (entries) => toFormObject(entries, shape()),
      )
    } catch (error) {
      if (isResponse(error)) return error
      throw error
    }
    return check(kind, schema, input, context)
  }
}

function check(
  name: InputName,
  schema: Schema,
  input: unknown,
  context: Context,
): Response | undefined | Promise<Response | undefined> {
  const settle = (result: Result): Response | undefined => {
    if (result.issues) return toInvalid(toInputErrors(name, result.issues))
    ;(context as unknown as Record<string, unknown>)[name] = result.value
    return undefined
  }
  // A validator that breaks on what a client sent is the client's 400, and the server's to know.
  const broken = (error: unknown): Response =>
    toFailure(error, 'input', 400, { detail: `The ${name} could not be validated.` })
  try {
    const response = validate(schema, input, settle)
    return response instanceof Promise ? response.catch(broken) : response
  } catch (error) {
    return broken(error)
  }
}

const maxErrors = 50
const maxDetail = 200
const maxPointer = 500

// Cut before anything is made of them: a body of one MiB can have half a million issues, or a name as long as itself.
const toInputErrors = (name: string, issues: readonly Issue[]): InputError[] =>
  issues.slice(0, maxErrors).map(({ path = [], message }) => ({
    in: name,
    pointer: toPointer(path.map((step) => (typeof step === 'object' ? step.key : step))).slice(0, maxPointer),
    detail: String(message).slice(0, maxDetail),
  }))

function toNullObject(entries: Iterable<readonly [string, unknown]>): Record<string, unknown> {
  const object = new NullObject()
  for (const [name, value] of entries) object[name] = value
  return object
}

function toQueryObject(search: string, shape: Shape): Record<string, unknown> | Response {
  const query = new NullObject()
  if (search === '') return query
  for (const [name, value] of new URLSearchParams(search)) {
    const seen = query[name]
    if (seen === undefined) query[name] = shape.get(name) === 'array' ? [value] : value
    else if (shape.get(name) === 'scalar')
      return toInvalid(toInputErrors('query', [{ path: [name], message: 'This may be given once only.' }]))
    else if (Array.isArray(seen)) seen.push(value)
    else query[name] = [seen, value]
  }
  return query
}

// The properties of an object schema that want an array, and those that want anything else.
type Shape = ReadonlyMap<string, 'array' | 'scalar'>

/** Read from Standard JSON Schema (https://standardschema.dev/json-schema), where the schema has it. */
function toShape(schema: Schema): Shape {
  const shape = new Map<string, 'array' | 'scalar'>()
  try {
    const root = standardOf(schema).jsonSchema?.input({
      target: 'draft-2020-12',
      // zod's word, valibot's and arktype's for it: what cannot be written is a gap.
      libraryOptions: { unrepresentable: 'any', errorMode: 'ignore', fallback: ({ base }: { base: object }) => base },
    }) as JsonSchema | undefined
    const partsOf = ({ $ref = '', allOf = [], anyOf = [], oneOf = [] }: JsonSchema): readonly JsonSchema[] =>
      [...allOf, ...anyOf, ...oneOf, root?.$defs?.[$ref.replace('#/$defs/', '')] ?? []].flat()
    const typesOf = (json: JsonSchema): string[] =>
      [json.type ?? [], json.enum || 'const' in json ? 'string' : [], ...partsOf(json).map(typesOf)].flat()
    const visit = (json: JsonSchema): void => {
      for (const [name, property] of Object.entries(json.properties ?? {})) {
        const types = typesOf(property)
        if (!types.includes('array')) {
          if (types.length) shape.set(name, 'scalar')
        } else if (!types.includes('string')) shape.set(name, 'array')
      }
      partsOf(json).forEach(visit)
    }
    if (root) visit(root)
  } catch {
    // A schema that cannot be written as JSON Schema says nothing of its arrays; it still validates.
  }
  return shape
}

interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly properties?: { readonly [name: string]: JsonSchema }
  readonly $ref?: string
  readonly $defs?: { readonly [name: string]: JsonSchema }
  readonly allOf?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
}

function lazily<value extends object>(make: () => value): () => value {
  let made: value | undefined
  return () => (made ??= make())
}

/** Makes the answer of what a handler returned. Throws, or rejects, for what breaks the declared response. */
export type Respond = (value: unknown, context: Context) => Response | Promise<Response>

/** The function that answers for an operation: as declared in `response`, or whatever the handler returned. */
export function toRespond(operation: Operation): Respond {
  const { response: declared } = operation
  if (!declared) return toResponse
  const schemas = isSchema(declared)
    ? new Map([[200, declared]])
    : new Map(Object.entries(declared).map(([status, schema]) => [Number(status), schema]))
  return (value, context) => {
    if (!Context.exchange(context).server.responseValidation) return toResponse(value)
    const made = isResponse(value) ? value : undefined
    const memory = made && memoryOf(made)
    if (made && !memory?.isReply) return toResponse(made)
    const status = made ? made.status : value === undefined ? 204 : 200
    const schema = schemas.get(status)
    if (!schema) return toResponse(value)
    const settle = (result: Result): Response => {
      if (result.issues) throw new ResponseError(status, toInputErrors('response', result.issues))
      if (!made) return toResponse(result.value)
      if (status === 204 || status === 205) return made
      const { value } = result
      const text = typeof value === 'string' && !isJson(made) ? value : toJson(value)
      return createResponse(text, status, [...made.headers], { isReply: true, data: value })
    }
    return validate(schema, memory ? memory.data : value, settle)
  }
}

const isJson = ({ headers }: Response): boolean => /[/+]json\b/.test(headers.get('content-type') ?? '')

/** What a handler returned breaks the response that its operation declares. */
export class ResponseError extends Error {
  override readonly name = 'ResponseError'
  readonly errors: readonly InputError[]
  constructor(status: number, errors: readonly InputError[]) {
    super(
      `the answer breaks the response declared for ${status}: ${errors.map(({ pointer, detail }) => `${pointer || 'the value'}: ${detail}`).join('; ')}`,
    )
    this.errors = errors
  }
}

/** A value through a schema: its output, or `undefined` if it does not fit. */
export function parseWith(
  schema: Schema,
  value: unknown,
): { readonly value: unknown } | undefined | Promise<{ readonly value: unknown } | undefined> {
  return validate(schema, value, (result) => (result.issues ? undefined : result))
}

/** What a schema makes of an item of a streamed answer. Throws, or rejects with, a ResponseError for what it refuses. */
export function parseItem(schema: Schema, item: unknown): unknown {
  return validate(schema, item, (result) => {
    if (result.issues) throw new ResponseError(200, toInputErrors('response', result.issues))
    return result.value
  })
}
