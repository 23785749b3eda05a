import type { ExampleNotes, SecurityRequirement, SecurityScheme } from '../notes.js'
import type { JsonSchema } from './json-schema.js'

/** An OpenAPI document. @see https://spec.openapis.org/oas/v3.1.0.html */
export interface OpenApiDocument {
  openapi: '3.1.0'
  info: OpenApiInfo
  servers: OpenApiServer[]
  security: SecurityRequirement[]
  tags?: OpenApiTag[]
  externalDocs?: { url: string; description?: string }
  paths: { [path: string]: OpenApiPathItem }
  /** Mistakes of the whole app. Only in the document of `docs()`. */
  'x-byway-errors'?: string[]
  components: { schemas: { [name: string]: JsonSchema }; securitySchemes?: { [name: string]: SecurityScheme } }
}

export interface OpenApiInfo {
  title: string
  /** The version of the API. */
  version: string
  summary?: string
  /** A detailed description in CommonMark. */
  description?: string
  termsOfService?: string
  contact?: { name?: string; url?: string; email?: string }
  license?: { name: string; identifier?: string; url?: string }
}

export interface OpenApiServer {
  url: string
  description?: string
  variables?: { [name: string]: { default: string; enum?: string[]; description?: string } }
}

export interface OpenApiTag {
  name: string
  description?: string
  externalDocs?: { url: string; description?: string }
}

/** The operations of one path. */
export type OpenApiPathItem = {
  [method in 'get' | 'put' | 'post' | 'delete' | 'options' | 'head' | 'patch']?: OpenApiOperation
}

export interface OpenApiOperation {
  tags?: string[]
  summary?: string
  description?: string
  externalDocs?: { url: string; description?: string }
  operationId: string
  parameters?: OpenApiParameter[]
  requestBody?: OpenApiRequestBody
  responses: { [status: string]: OpenApiResponse }
  deprecated?: boolean
  security?: SecurityRequirement[]
  /** Why the operation could not be described. Only in the document of `docs()`. */
  'x-byway-error'?: string
  [extension: `x-${string}`]: unknown
}

export interface OpenApiParameter {
  name: string
  in: 'path' | 'query' | 'header' | 'cookie'
  description?: string
  required?: boolean
  deprecated?: boolean
  style?: 'form'
  explode?: boolean
  schema: JsonSchema
  /** Marks the param of a catch-all. The slashes in its value are not percent-encoded in the URL. */
  'x-byway-catch-all'?: true
}

export interface OpenApiMedia {
  schema?: JsonSchema
  /** Examples by name. */
  examples?: { readonly [name: string]: ExampleNotes }
  encoding?: { [property: string]: { contentType?: string; style?: 'form'; explode?: boolean } }
}

export interface OpenApiRequestBody {
  description?: string
  required: boolean
  content: { [mediaType: string]: OpenApiMedia }
}

export interface OpenApiResponse {
  description: string
  headers?: { [name: string]: { description?: string; schema: JsonSchema } }
  content?: { [mediaType: string]: OpenApiMedia }
}
