export type {
  CookieNotes,
  ExampleNotes,
  MiddlewareNotes,
  OperationNotes,
  ResponseNotes,
  SecurityRequirement,
  SecurityScheme,
} from '../notes.js'
export { docs } from './docs.js'
export type { Docs, DocsOptions } from './docs.js'
export { openapi } from './openapi.js'
export type { OpenApiOptions } from './openapi.js'
export { OpenApiError } from './names.js'
export type {
  OpenApiDocument,
  OpenApiInfo,
  OpenApiMedia,
  OpenApiOperation,
  OpenApiParameter,
  OpenApiPathItem,
  OpenApiRequestBody,
  OpenApiResponse,
  OpenApiServer,
  OpenApiTag,
} from './document.js'
export type { JsonSchema } from './json-schema.js'
