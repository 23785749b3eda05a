// A user signs up and writes: npx tsx examples/realworld/main.ts
import { createClient } from 'byway/client'
import app from './app.js'

const api = createClient<typeof app>({ fetch: app.fetch })
const user = { username: 'ada', email: 'ada@example.com', password: 'lovelace' }
const signedUp = await api('/users').post({ body: { user } })
if (signedUp.status !== 201) throw new Error('the sign-up failed', { cause: signedUp.error })
const headers = { authorization: `Token ${signedUp.data.user.token}` }
const article = { title: 'On tea', description: 'How to', body: 'It is warm.', tagList: ['tea'] }

console.log((await api('/users').post({ body: { user } })).error)
console.log((await api('/articles').post({ body: { article } })).error)
console.log((await api('/articles').post({ headers, body: { article: { ...article, title: '', body: '' } } })).error)
console.log((await api('/articles').post({ headers, body: { article } })).data?.article.slug)
console.log((await api('/articles').get({ query: { tag: 'tea' } })).data?.articlesCount)
console.log((await api('/articles/[slug]').get({ params: { slug: 'none' } })).error)
