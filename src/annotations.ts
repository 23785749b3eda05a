// What routes and middleware say of themselves to those who read them, beyond what they do.

/** A requirement of security: the names of the schemes that are all needed, each with its scopes. */
export interface SecurityRequirement {
  readonly [scheme: string]: readonly string[]
}

/** A way in which clients prove who they are, as OpenAPI has it. */
export type SecurityScheme =
  | { readonly type: 'http'; readonly scheme: string; readonly bearerFormat?: string; readonly description?: string }
  | {
      readonly type: 'apiKey'
      readonly in: 'header' | 'query' | 'cookie'
      readonly name: string
      readonly description?: string
    }
  | { readonly type: 'openIdConnect'; readonly openIdConnectUrl: string; readonly description?: string }
  | { readonly type: 'oauth2'; readonly flows: object; readonly description?: string }
  | { readonly type: 'mutualTLS'; readonly description?: string }

/** What a document says of an answer. */
export interface ResponseNotes {
  /** @default the status in words */
  readonly description?: string
  /** Of what it holds. Not held against what is sent: that is for an operation's `response`. */
  readonly schema?: { readonly '~standard': unknown }
  /** Such as `image/png`, or `image/*` for a range. @default application/json, and application/problem+json from 400 on */
  readonly mediaType?: string
  /** In words, or with a schema, by name. */
  readonly headers?: {
    readonly [name: string]:
      | string
      | { readonly description?: string; readonly schema?: { readonly '~standard': unknown } }
  }
}

/** What a document says of an operation, beside what its schemas say. */
export interface OperationNotes {
  /** In few words. */
  readonly summary?: string
  /** At length, in CommonMark. */
  readonly description?: string
  readonly tags?: readonly string[]
  /** Its name, of which a document has one. @default made of the names that lead to the route, and the method */
  readonly operationId?: string
  readonly deprecated?: boolean
  /** In place of what the middleware around it says. `[]` for none. */
  readonly security?: readonly SecurityRequirement[]
  readonly externalDocs?: { readonly url: string; readonly description?: string }
  /** What its answers are, by status, beside what its `response` schema says: in words, or with headers and a media type. */
  readonly responses?: { readonly [status: number]: string | ResponseNotes }
  /** Leaves it out. @default false */
  readonly hidden?: boolean
}

/** What a document says of a middleware. */
export interface MiddlewareNotes {
  /** What it answers by itself, by status: in words, or with the schema of its JSON. A status of 400 or more is a problem. */
  readonly responses?: { readonly [status: number]: string | ResponseNotes }
  /** What it demands; each one is enough. */
  readonly security?: readonly SecurityRequirement[]
  /** The schemes that `security` names. */
  readonly securitySchemes?: { readonly [name: string]: SecurityScheme }
}

/** What a middleware says of itself. */
export interface LayerNotes {
  readonly openapi?: MiddlewareNotes
  /** The options of a cache. */
  readonly cache?: object
}

// Of this copy of byway or another: a command has its own.
const notes: unique symbol = Symbol.for('byway.notes') as never

/** What a middleware says of itself, if anything. */
export const notesOf = (layer: unknown): LayerNotes => (layer as { [notes]?: LayerNotes } | undefined)?.[notes] ?? {}

/** The same middleware, which says something of itself. */
export const withNotes = <layer extends object>(layer: layer, given: LayerNotes): layer =>
  Object.defineProperty(layer, notes, { value: given })
