import { href, route, router } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'
import * as stored from './notes.js'

const NewNote = z.object({
  title: z.string().trim().min(1, 'Enter a title.').max(80, 'A title has at most 80 characters.'),
  text: z.string().max(10_000),
})

export const notes = route('/api/notes')
  .get(() => stored.list().map(({ slug, title }) => ({ slug, title })))
  .post({ body: NewNote }, (_request, { body }) => {
    const note = stored.add(body)
    if (!note) return reply.problem(409, { detail: `There is a note “${body.title}”.` })
    return reply.json(note, { status: 201, headers: { location: href('/api/notes/[slug]', { slug: note.slug }) } })
  })

export const note = route('/api/notes/[slug]')
  .get((_request, { params }) => stored.find(params.slug) ?? reply.notFound())
  .delete((_request, { params }) => {
    if (!stored.remove(params.slug)) return reply.notFound()
  })

export const app = router({ notes, note })
