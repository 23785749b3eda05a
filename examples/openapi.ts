// How does a document for other people's tools come from what the routes declare?
import { middleware, route, router } from 'byway'
import * as reply from 'byway/reply'
import { openapi } from 'byway/openapi'
import { z } from 'zod'

// An id makes it a component, under that name. The examples are in the document too.
const Note = z
  .object({ title: z.string(), written: z.iso.datetime() })
  .meta({ id: 'Note', examples: [{ title: 'Milk', written: '2026-03-01T08:00:00Z' }] })

// What a middleware does is code; what a document says of it stands beside it.
const session = middleware(
  {
    openapi: {
      security: [{ bearer: [] }],
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      responses: { 401: 'Nobody is signed in.' },
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
      openapi: { summary: 'Add a note', responses: { 201: { headers: { location: 'Where it is.' } } } },
    },
    (_request, { body }) => reply.json(body, { status: 201, headers: { location: '/notes/1' } }),
  )
const note = route('/notes/[id]', { params: z.object({ id: z.coerce.number().int() }) }).delete(
  { openapi: { summary: 'Remove a note', responses: { 204: 'It is gone.' } } },
  () => undefined,
)

const app = router({ notes, note }, { basePath: '/api' })
const document = openapi(app, {
  info: { title: 'Notes', version: '1.0.0' },
  servers: [{ url: 'https://notes.example' }],
})

for (const [path, item] of Object.entries(document.paths))
  for (const [method, { operationId, summary, responses }] of Object.entries(item))
    console.log(`${method} ${path}: ${operationId} (${summary}) answers ${Object.keys(responses).join(', ')}`)
console.log(JSON.stringify(document.components.schemas['Note']))
console.log(JSON.stringify(document.paths['/api/notes']?.post?.security))
