// The errors of the RealWorld API: `{ errors: { title: ["can't be blank"] } }`, and a 422 for invalid input.
// https://docs.realworld.show/specifications/backend/error-handling/
import { problems } from 'byway'
import { z } from 'zod'

export const format = problems({
  schema: z.object({ errors: z.record(z.string(), z.array(z.string())) }),
  statuses: { 400: 422 },
  toBody({ detail, title, errors = [] }) {
    const byName = new Map<string, string[]>()
    for (const { pointer, detail } of errors) {
      const name = pointer.split('/').at(-1) || 'body'
      byName.set(name, [...(byName.get(name) ?? []), detail])
    }
    if (!errors.length) byName.set('body', [detail ?? title ?? 'error'])
    return { errors: Object.fromEntries(byName) }
  },
})
