import type { Schema } from './schema.js'

// What routes and middleware declare for the OpenAPI document, in addition to their schemas.

/** A security requirement: the names of the schemes that are all needed, each with its scopes. */
export interface SecurityRequirement {
  readonly [scheme: string]: readonly string[]
}

/** A security scheme of OpenAPI. */
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

/** An example of a value. */
export interface ExampleNotes {
  readonly summary?: string
  /** A description in CommonMark. */
  readonly description?: string
  readonly value: unknown
}

/** What the document says about a cookie that an operation reads. */
export interface CookieNotes {
  readonly description?: string
  /** @default false */
  readonly required?: boolean
  readonly deprecated?: boolean
  /** The cookie is not validated against it. @default a string */
  readonly schema?: Schema
}

/** What the document says about a response. */
export interface ResponseNotes {
  /** @default the status in words */
  readonly description?: string
  /** The schema of the data. The response is not validated against it; use an operation's `response` for that. */
  readonly schema?: Schema
  /**
   * A media type such as `image/png`, or a range such as `image/*`.
   * @default the types in which `reply` sends the data: 'application/json', 'text/plain' for strings, 'application/problem+json' from 400 on
   */
  readonly mediaType?: string
  /** Examples of the data, by name. */
  readonly examples?: { readonly [name: string]: ExampleNotes }
  /** A description or a schema, by header name. */
  readonly headers?: {
    readonly [name: string]: string | { readonly description?: string; readonly schema?: Schema }
  }
}

/** What the document says about an operation, in addition to its schemas. */
export interface OperationNotes {
  /** A short summary. */
  readonly summary?: string
  /** A description in CommonMark. */
  readonly description?: string
  readonly tags?: readonly string[]
  /** The operation's unique name. @default the names that lead to the route, and the method */
  readonly operationId?: string
  readonly deprecated?: boolean
  /** Replaces the requirements of the middleware around the operation. `[]`: no requirement. */
  readonly security?: readonly SecurityRequirement[]
  readonly externalDocs?: { readonly url: string; readonly description?: string }
  /** Responses by status, in addition to the `response` schema: a description, or a description with headers and a media type. */
  readonly responses?: { readonly [status: number]: string | ResponseNotes }
  /** The description of the body, and examples by name. */
  readonly body?: { readonly description?: string; readonly examples?: { readonly [name: string]: ExampleNotes } }
  /** The cookies that the operation reads, by name: a description, or a description with a schema. */
  readonly cookies?: { readonly [name: string]: string | CookieNotes }
  /** Leaves the operation out of the document. @default false */
  readonly hidden?: boolean
  /** An extension of OpenAPI, copied as it is. */
  readonly [extension: `x-${string}`]: unknown
}

/** What the document says about every operation behind a middleware. */
export interface MiddlewareNotes {
  /** The early responses of the middleware, by status: a description, or the schema of the JSON. A status of 400 or more is a problem. */
  readonly responses?: { readonly [status: number]: string | ResponseNotes }
  /** The alternatives that the middleware accepts; one is enough. */
  readonly security?: readonly SecurityRequirement[]
  /** The schemes that `security` names. */
  readonly securitySchemes?: { readonly [name: string]: SecurityScheme }
}
