import { hc } from 'hono/client'

const api = hc('https://api.example')

export const hello = (name) => api.hello[':name'].$get({ param: { name } })
