// openapi: what it takes and what it gives; what operations and middleware may say for it.
import { middleware, route, router } from 'byway'
import * as reply from 'byway/reply'
import {
  openapi,
  OpenApiError,
  type JsonSchema,
  type OpenApiDocument,
  type OpenApiOperation,
  type OpenApiOptions,
  type OpenApiResponse,
  type ResponseNotes,
} from 'byway/openapi'
import { expectAssignable, expectError, expectNotAssignable, expectType } from 'tsd'
import { z } from 'zod'

const app = router({ a: route('/a').get(() => 1) }, { use: [middleware((_request, _context, next) => next())] })
const info = { title: 'a', version: '1' }

// ── what it takes ──

expectType<OpenApiDocument>(openapi(app, { info }))
openapi(app, { info, servers: [{ url: '/' }], tags: [{ name: 'a' }], externalDocs: { url: 'https://a.example' } })
openapi(app, { info, security: [{ a: [] }], securitySchemes: { a: { type: 'http', scheme: 'bearer' } } })
openapi(app, { info, onWarning: (message) => expectType<string>(message) })
expectError(openapi(app))
expectError(openapi(app, {}))
expectError(openapi(app, { info: { title: 'a' } }))
expectError(openapi(app, { info, server: [] }))
expectError(openapi({}, { info }))
expectError(
  openapi(
    route('/a').get(() => 1),
    { info },
  ),
)
expectNotAssignable<OpenApiOptions>({ info, securitySchemes: { a: { type: 'key' } } })

// ── what it gives ──

declare const document: OpenApiDocument
expectType<OpenApiOperation | undefined>(document.paths['/a']?.get)
expectType<OpenApiResponse | undefined>(document.paths['/a']?.get?.responses['200'])
expectType<{ [name: string]: JsonSchema }>(document.components.schemas)
expectType<'3.1.0'>(document.openapi)
expectAssignable<Error>(new OpenApiError('a'))

// ── what is said for it ──

expectAssignable<ResponseNotes>({
  description: 'a',
  mediaType: 'image/png',
  headers: { a: 'b', c: { schema: z.string() } },
})
route('/a').get({ openapi: { responses: { 200: 'a', 201: { mediaType: 'image/*' } }, security: [] } }, () => 1)
middleware({ openapi: { responses: { 401: 'a', 402: { schema: z.object({ a: z.string() }) } } } }, () =>
  reply.unauthorized(),
)
expectError(route('/a').get({ openapi: { responses: { 200: 1 } } }, () => 1))
expectError(route('/a').get({ openapi: { operationId: 5 } }, () => 1))
expectError(middleware({ openapi: { responses: { 401: { text: 'a' } } } }, () => reply.unauthorized()))
