import type { OperationNotes } from './notes.js'
import type { Schema } from './schema.js'

/** The methods that a route can have. QUERY is a GET with a body (draft-ietf-httpbis-safe-method-w-body). */
export type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS' | 'QUERY'

export const methods: readonly Method[] = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS', 'QUERY']

/**
 * How an operation reads its body: `body: form(schema)`. A package can add a kind.
 *
 * @example
 * const msgpack = <schema extends Schema>(schema: schema): BodyKind<'msgpack', schema> => ({
 *   key: 'msgpack', schema, types: ['application/msgpack'], document: 'value',
 *   read: async (body) => decode(await body.bytes()),
 * })
 */
export interface BodyKind<key extends string = string, schema = unknown, sent = unknown> {
  /** The name of the client's option: `{ form }`. */
  readonly key: key
  /** The Standard Schema that validates the value, or `undefined`: the value is not validated. */
  readonly schema: schema
  /** The media types that the body can have: types such as `application/json`, suffixes such as `+json`, ranges such as `video/*`. Another type is a 415. */
  readonly types: readonly string[]
  /** How the OpenAPI document describes the body: as one value, as the fields of a form, or as bytes. */
  readonly document: 'value' | 'fields' | 'bytes'
  /**
   * Converts the body to the value that the schema validates; can return a promise. A thrown `Response` is sent. It is also
   * called for a request without a body, whose `bytes()` are empty.
   */
  read(body: RequestBody): unknown
  /** The type of the client's option. @default the schema's input */
  readonly '~sent'?: sent
}

/** The body of one request, as a `BodyKind` reads it. Read it once. */
export interface RequestBody {
  readonly request: Request
  /** The media type in lower case, without parameters; `''` if the request has none. */
  readonly type: string
  /** Resolves to the bytes. Rejects with a `BodyLimitError`, which becomes a 413, above the limit. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>
  /** Resolves to the characters. Rejects with a 400 Response if the body is not UTF-8. */
  text(): Promise<string>
  /** The body as a stream, which fails with a `BodyLimitError` above the limit. */
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>
}

/** What an operation declares: its inputs and its responses. */
export interface Operation {
  /** The query. A single value becomes an array with one element if the schema expects an array. */
  readonly query?: Schema
  /** The request headers, by their names in the schema (in lower case for a library without Standard JSON Schema). */
  readonly headers?: Schema
  /** The body: a schema for JSON (`application/json`, `+json`), or a kind such as `form(schema)`, `text()`, `bytes()`, `stream('video/*')`. */
  readonly body?: Schema | BodyKind
  /**
   * The schema of a 200 response, or schemas by status. The schema's output is sent; a response that does not match is a 500.
   * If the handler has a block body, write its result type, and TypeScript marks the wrong value instead of the handler.
   */
  readonly response?: Schema | { readonly [status: number]: Schema }
  /**
   * The maximum size of the body in bytes; a larger body is a 413.
   * @default the router's `bodyLimit`, 1_048_576
   */
  readonly bodyLimit?: number
  /** What the OpenAPI document says about the operation. */
  readonly openapi?: OperationNotes
  /**
   * Marks an operation whose inputs are secret, such as a login. `logger()` and `otel()` then record no params, query or
   * payload of it.
   * @default false
   */
  readonly sensitive?: boolean
}

/** The inputs that an operation can declare. The context has them under the same names. */
export type InputName = 'query' | 'headers' | 'body'
