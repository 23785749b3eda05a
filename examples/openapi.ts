// An OpenAPI document from the declarations of the routes.
import { middleware, route, router } from 'byway'
import * as reply from 'byway/reply'
import { openapi } from 'byway/openapi'
import { z } from 'zod'

// A schema with an id is a component of the document. Its examples are in the document too.
const Note = z
  .object({ title: z.string(), written: z.iso.datetime() })
  .meta({ id: 'Note', examples: [{ title: 'Milk', written: '2026-03-01T08:00:00Z' }] })

// The document describes a middleware by its openapi option.
const session = middleware(
  {
    openapi: {
      security: [{ bearer: [] }],
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      responses: { 401: 'The request has no token.' },
    },
  },
  (request, _context, next) => (request.headers.has('authorization') ? next() : reply.unauthorized()),
)

const notes = route('/notes')
  .get(
    {
      query: z.object({ page: z.coerce.number().int().default(1) }),
      response: z.array(Note),
      openapi: { summary: 'List notes' },
    },
    () => [],
  )
  .use(session)
  .post(
    {
      body: Note,
      response: { 201: Note },
      openapi: {
        summary: 'Add a note',
        body: { examples: { milk: { value: { title: 'Milk', written: '2026-03-01T08:00:00Z' } } } },
        'x-rate-limit': 10,
        responses: { 201: { headers: { location: 'The URL of the note.' } } },
      },
    },
    (_request, { body }) => reply.json(body, { status: 201, headers: { location: '/notes/1' } }),
  )
const note = route('/notes/[id]', { params: z.object({ id: z.coerce.number().int() }) }).delete(
  { openapi: { summary: 'Remove a note', responses: { 204: 'The note is removed.' } } },
  () => undefined,
)

const app = router({ notes, note }, { basePath: '/api' })
const document = openapi(app, {
  info: { title: 'Notes', version: '1.0.0' },
  servers: [{ url: 'https://notes.example' }],
})

for (const [path, item] of Object.entries(document.paths))
  for (const [method, { operationId, summary, responses }] of Object.entries(item))
    console.log(`${method} ${path}: ${operationId} (${summary}) responds with ${Object.keys(responses).join(', ')}`)
console.log(JSON.stringify(document.components.schemas['Note']))
console.log(JSON.stringify(document.paths['/api/notes']?.post?.security))
