import type { ProblemFormat } from '../app.js'
import type { ResponseNotes } from '../notes.js'
import type { Operation } from '../declaration.js'
import { toBodyKind } from '../prepare.js'
import { isSchema, type Schema } from '../schema.js'
import type { OpenApiMedia, OpenApiResponse } from './document.js'
import { binary, type JsonSchema } from './json-schema.js'
import { phraseOf } from './phrases.js'
import type { Schemas } from './schemas.js'

const problem = 'application/problem+json'
const uri = { type: 'string', format: 'uri-reference' }

/** The schemas of byway's own problems: https://www.rfc-editor.org/rfc/rfc9457 */
const problems = {
  Problem: {
    type: 'object',
    description: 'A problem document (RFC 9457).',
    properties: {
      type: { ...uri, description: 'Identifies the type of the problem; `about:blank` if it is absent.' },
      title: { type: 'string', description: 'A short summary of the type of the problem.' },
      status: { type: 'integer', description: 'The HTTP status.' },
      detail: { type: 'string', description: 'An explanation of this occurrence.' },
      instance: uri,
    },
    required: ['status'],
  },
  InvalidInput: {
    description: 'The problem of invalid input.',
    allOf: [
      { $ref: '#/$defs/Problem' },
      {
        type: 'object',
        properties: { errors: { type: 'array', maxItems: 50, items: { $ref: '#/$defs/InputError' } } },
      },
    ],
  },
  InputError: {
    type: 'object',
    description: 'An error in one part of the request.',
    properties: {
      in: { type: 'string', enum: ['query', 'headers', 'body'] },
      pointer: { type: 'string', format: 'json-pointer', description: 'The position of the error (RFC 6901).' },
      detail: { type: 'string' },
    },
    required: ['in', 'pointer', 'detail'],
  },
}

/** Collects the responses of an operation from its schemas, its notes, middleware and byway itself. */
export class Responses {
  readonly #schemas: Schemas
  readonly #place: string
  readonly #hint: string
  /** The app's own error format. */
  readonly #format: ProblemFormat | undefined
  readonly #parts = new Map<string, Part>()
  // Whether a response below 400 is declared.
  #hasSuccess = false

  constructor(schemas: Schemas, place: string, hint: string, format: ProblemFormat | undefined) {
    this.#schemas = schemas
    this.#place = place
    this.#hint = hint
    this.#format = format
  }

  /** Adds the responses of the operation's `response` schemas. */
  addDeclared({ response, openapi: { responses = {} } = {} }: Operation): void {
    const declared = !response ? {} : isSchema(response) ? { 200: response } : response
    for (const [key, schema] of Object.entries(declared)) {
      const status = Number(key)
      this.#hasSuccess ||= status < 400
      const note = responses[status]
      const { mediaType, schema: noted }: ResponseNotes = typeof note === 'object' ? note : {}
      const isJson = hasBody(status) && (mediaType === undefined || /[/+]json$/.test(mediaType))
      const json = this.#toJson(schema, status, isJson ? 'response' : undefined)
      const target = this.#schemas.resolve(json)
      const part = this.#at(status)
      if (typeof target['description'] === 'string') part.fallback ??= target['description']
      if (!hasBody(status)) continue
      if (mediaType !== undefined) {
        if (!noted) part.add(mediaType, schema, json)
        continue
      }
      const isProblem = status >= 400 && 'status' in ((target['properties'] ?? {}) as object)
      if (!isProblem) part.add('application/json', schema, json)
      // The schema validates each of these: `reply.problem()` and `reply.json()`, or a value and `reply.text()`.
      if (status >= 400) this.#addProblem(status, schema, json)
      else if (target['type'] === 'string') part.add('text/plain', schema, json)
    }
  }

  /** Adds the notes of a middleware, or last the notes of the operation itself, whose descriptions replace the others. */
  addNotes(notes: { readonly [status: number]: string | ResponseNotes } | undefined, isOwn: boolean): void {
    for (const [key, note] of Object.entries(notes ?? {})) {
      const status = Number(key)
      const { description, schema, mediaType, headers, examples }: ResponseNotes =
        typeof note === 'string' ? { description: note } : note
      const isProblem = status >= 400 && (mediaType ?? problem) === problem
      const isOther = !isProblem || !!this.#parts.get(key)?.content.size
      const part = this.#at(isOther ? status : this.#sentStatus(status))
      if (isOwn) this.#hasSuccess ||= status < 400
      if (isOwn && description !== undefined) part.descriptions.clear()
      if (description !== undefined) part.descriptions.add(description)
      Object.assign(part.examples, examples)
      for (const [name, header] of Object.entries(headers ?? {}))
        part.headers[name] =
          typeof header === 'string'
            ? { description: header, schema: { type: 'string' } }
            : {
                ...(header.description !== undefined && { description: header.description }),
                schema: header.schema ? this.#toJson(header.schema, status) : { type: 'string' },
              }
      if (!hasBody(status)) continue
      if (schema || mediaType !== undefined) {
        const type = mediaType ?? (status < 400 ? 'application/json' : problem)
        const source = schema ?? type
        const toSchema = (): JsonSchema | undefined =>
          schema ? this.#toJson(schema, status, /[/+]json$/.test(type) ? 'response' : undefined) : toAnything(type)
        if (isProblem) this.#addProblem(status, source, toSchema())
        else if (schema || !part.content.has(type)) part.add(type, source, toSchema())
      } else if (status >= 400 && !(isOwn ? part.content.size : part.content.get(problem)?.has('InvalidInput')))
        this.#addProblem(status, 'Problem')
    }
  }

  /** Adds the responses that byway itself sends: 400, 404, 413 and 415. */
  addOwn(operation: Operation, hasParams: boolean): void {
    const own = (status: number, description: string, name: keyof typeof problems = 'Problem'): void => {
      this.#addProblem(status, name).fallback ??= description
    }
    const kind = toBodyKind(operation)
    if (operation.query || operation.headers || kind?.schema) own(400, 'The input is not valid.', 'InvalidInput')
    if (hasParams) own(404, 'The path parameters are invalid.')
    if (!kind) return
    const { bodyLimit } = operation
    own(413, bodyLimit === undefined ? 'The body is too large.' : `The body is larger than ${bodyLimit} bytes.`)
    const types = kind.types.filter((type) => type[0] !== '+')
    if (!types.includes('*/*')) own(415, `The body must be ${types.join(' or ')}.`)
  }

  finish(method: string): { [status: string]: OpenApiResponse } {
    // The handler does respond, even if no successful response is declared.
    if (!this.#hasSuccess) this.#at('2XX').fallback = 'Success. The content is not declared.'
    return Object.fromEntries(
      [...this.#parts].map(([status, part]) => [status, part.finish(status, method === 'HEAD')]),
    )
  }

  #at(status: number | string): Part {
    const key = String(status)
    const part = this.#parts.get(key) ?? new Part()
    this.#parts.set(key, part)
    return part
  }

  /** The status of a problem after the app's own error format. */
  #sentStatus(status: number): number {
    return this.#format?.statuses[status] ?? status
  }

  /** Adds a problem, in the app's own error format if there is one. */
  #addProblem(status: number, source: Schema | string, json?: JsonSchema): Part {
    const part = this.#at(this.#sentStatus(status))
    const schemas = this.#schemas
    if (this.#format) {
      const { schema } = this.#format
      part.add('application/json', schema, schemas.addShared(schema, 'problems()', 'Problem'))
    } else {
      const isOwn = typeof source === 'string' && Object.hasOwn(problems, source)
      part.add(problem, source, isOwn ? schemas.addOwn(source as 'Problem', problems) : json)
    }
    return part
  }

  #toJson(schema: Schema, status: number, part?: 'response'): JsonSchema {
    return this.#schemas.add(schema, 'output', this.#place, `${this.#hint}${status}`, part)
  }
}

class Part {
  readonly descriptions = new Set<string>()
  /** The description if no note has one. */
  fallback: string | undefined
  readonly headers: NonNullable<OpenApiResponse['headers']> = {}
  readonly examples: NonNullable<OpenApiMedia['examples']> = {}
  // Schemas by media type and source. The source prevents duplicates.
  readonly content = new Map<string, Map<unknown, JsonSchema | undefined>>()

  add(mediaType: string, source: Schema | string, json: JsonSchema | undefined): void {
    const sources = this.content.get(mediaType) ?? new Map<unknown, JsonSchema | undefined>()
    this.content.set(mediaType, sources.set(source, json))
  }

  finish(status: string, isHead: boolean): OpenApiResponse {
    const content: Record<string, OpenApiMedia> = {}
    for (const [mediaType, sources] of this.content) {
      const schemas = [...sources.values()].filter((json) => json !== undefined)
      content[mediaType] =
        schemas.length > 1 ? { schema: { anyOf: schemas } } : schemas.length ? { schema: schemas[0]! } : {}
    }
    const shown = content['application/json'] ?? Object.values(content)[0]
    if (shown && Object.keys(this.examples).length) shown.examples = this.examples
    return {
      description: [...this.descriptions].join('\n\n') || (this.fallback ?? phraseOf(status)),
      ...(Object.keys(this.headers).length && { headers: this.headers }),
      ...(this.content.size && !isHead && { content }),
    }
  }
}

// https://www.rfc-editor.org/rfc/rfc9110#section-6.4.1
const hasBody = (status: number): boolean => status >= 200 && status !== 204 && status !== 205 && status !== 304

// The schema of a media type without one: a string for text, none for JSON, bytes for the rest.
const toAnything = (mediaType: string): JsonSchema | undefined =>
  mediaType.startsWith('text/') ? { type: 'string' } : /[/+]json$/.test(mediaType) ? undefined : { ...binary }
