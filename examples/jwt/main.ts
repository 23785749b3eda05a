// The requests of two users: npx tsx examples/jwt/main.ts
import { createClient } from 'byway/client'
import app from './app.js'

const api = createClient<typeof app>({ fetch: app.fetch })
console.log('without a token', (await api('/me').get()).status)
for (const user of ['ada', 'eve']) {
  const { data } = await api('/login').post({ body: { user, password: 'lovelace' } })
  const headers = { authorization: `Bearer ${data!.token}` }
  console.log(user, (await api('/me').get({ headers })).data)
  console.log(user, (await api('/items/[slug]').delete({ params: { slug: 'tea' }, headers })).status)
}
