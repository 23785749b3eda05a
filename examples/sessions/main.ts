// The requests of a browser: npx tsx examples/sessions/main.ts
import app from './app.js'

const send = (path: string, body?: object, cookie = '') =>
  app.fetch(
    new Request(`https://shop.example${path}`, {
      headers: { cookie, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
    }),
  )
const response = await send('/login', { user: 'ada', password: 'lovelace' })
const cookie = response.headers.getSetCookie()[0]!.split(';')[0]!
console.log(await (await send('/me', undefined, cookie)).json())
console.log((await send('/me')).status)
