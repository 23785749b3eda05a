// A form with a file, a number, a checkbox and nested fields as one typed object.
import { form, route, router } from 'byway'
import * as reply from 'byway/reply'
import { createClient } from 'byway/client'
import { z } from 'zod'
import { zfd } from 'zod-form-data'

const Application = zfd.formData({
  name: zfd.text(),
  age: zfd.numeric(z.number().int().min(18)),
  newsletter: zfd.checkbox(),
  address: z.object({ city: zfd.text(), country: zfd.text(z.string().length(2)) }),
  skills: zfd.repeatableOfType(zfd.text()),
  cv: zfd.file(z.file().mime(['text/plain', 'application/pdf']).max(1_000_000)),
})

const applications = route('/applications').post(
  { body: form(Application), bodyLimit: 2_000_000 },
  async (_request, { body: form }) => {
    const { cv, ...rest } = form
    return reply.json({ ...rest, cv: `${cv.name}, ${(await cv.text()).length} characters` }, { status: 201 })
  },
)

const app = router({ applications })

// A browser sends fields such as <input name="address.city"> as multipart, or urlencoded if the form has no file.
const body = new FormData()
for (const [name, value] of Object.entries({ name: 'Ada', age: '36', newsletter: 'on' })) body.append(name, value)
for (const [name, value] of Object.entries({ city: 'London', country: 'GB' })) body.append(`address.${name}`, value)
for (const skill of ['analysis', 'engines']) body.append('skills', skill)
body.append('cv', new File(['Notes on the engine'], 'cv.txt', { type: 'text/plain' }))
const sent = await app.fetch(new Request('http://localhost/applications', { method: 'POST', body }))
console.log(sent.status, await sent.json())

// The client takes an object and encodes it as a form.
const { error } = await createClient<typeof app>({ fetch: app.fetch })('/applications').post({
  form: {
    name: 'Tim',
    age: 12,
    newsletter: false,
    address: { city: 'Utrecht', country: 'Netherlands' },
    skills: [],
    cv: new File(['<h1>CV</h1>'], 'cv.html', { type: 'text/html' }),
  },
})
console.log(error)
