/** How an operation reads its body, such as `body: form(schema)`. A package can add a kind. */
export interface BodyKind<key extends string = string, schema = unknown, sent = unknown> {
  /** The name of the client's option. */
  readonly key: key
  /** A Standard Schema, or undefined. */
  readonly schema: schema
  /** Media types and ranges: `'application/json'`, `'video/*'`, `'*\/*'`. */
  readonly types: readonly string[]
  /** How the OpenAPI document describes the body. */
  readonly document: 'value' | 'fields' | 'bytes'
  /** Returns the value for the schema or a promise of it. Can throw a Response. */
  read(body: RequestBody): unknown
  /** The type that the client takes. `unknown` stands for the schema's input. */
  readonly '~sent'?: sent
}

/** A request's body, as a kind reads it. */
export interface RequestBody {
  readonly request: Request
  /** The media type in lower case, without parameters; `''` if there is none. */
  readonly type: string
  /** At most the limit of bytes, else rejects with a 413. */
  bytes(): Promise<Uint8Array<ArrayBuffer>>
  /** UTF-8, else rejects with a 400. */
  text(): Promise<string>
  stream(): ReadableStream<Uint8Array<ArrayBuffer>>
}
