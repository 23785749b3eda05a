import { createClient } from 'byway/client'

const api = createClient({ baseUrl: 'https://api.example' })

export const hello = (name) => api('/hello/[name]').get({ params: { name } })
