// A part of the RealWorld API, with its error format and its tokens: npx tsx examples/realworld.ts
// https://docs.realworld.show/specifications/backend/error-handling/
import { middleware, problems, route, router, type AnyContext } from 'byway'
import { createClient } from 'byway/client'
import * as reply from 'byway/reply'
import { z } from 'zod'

const Article = z.object({ title: z.string().min(1, "can't be blank"), body: z.string().min(1, "can't be blank") })
type Article = z.infer<typeof Article> & { slug: string; author: string }
const articles = new Map<string, Article>()

const signedIn = middleware((request, _context: AnyContext, next) => {
  const [, user] = /^Token (\w+)$/.exec(request.headers.get('authorization') ?? '') ?? []
  return user ? next({ user }) : reply.unauthorized({ detail: 'token is missing' })
})

const list = route('/articles')
  .get({ query: z.object({ author: z.string().optional() }) }, (_request, { query }) => ({
    articles: [...articles.values()].filter(({ author }) => !query.author || author === query.author),
  }))
  .use(signedIn)
  .post({ body: z.object({ article: Article }) }, (_request, { body, user }) => {
    const slug = body.article.title.toLowerCase().replaceAll(/\W+/g, '-')
    if (articles.has(slug)) return reply.problem(409, { detail: 'title is taken' })
    const article = { ...body.article, slug, author: user }
    articles.set(slug, article)
    return reply.json({ article }, { status: 201 })
  })
const one = route('/articles/[slug]').get((_request, { params }) => {
  const article = articles.get(params.slug)
  return article ? { article } : reply.notFound({ detail: 'article not found' })
})

// Every error has this form: those of byway, those of `reply.problem`, and a 400 is a 422.
const format = problems({
  schema: z.object({ errors: z.record(z.string(), z.array(z.string())) }),
  statuses: { 400: 422 },
  toBody: ({ detail, title, errors }) => ({
    errors: errors
      ? Object.fromEntries(errors.map(({ pointer, detail }) => [pointer.split('/').at(-1)!, [detail]]))
      : { body: [detail ?? title ?? 'error'] },
  }),
})
const app = router({ list, one }, { basePath: '/api', problems: format })

const api = createClient<typeof app>({ fetch: app.fetch })
const headers = { authorization: 'Token ada' }
const body = { article: { title: 'On tea', body: 'It is warm.' } }
console.log((await api('/articles').post({ body })).error)
console.log((await api('/articles').post({ headers, body: { article: { title: '', body: '' } } })).error)
console.log((await api('/articles').post({ headers, body })).data?.article.slug)
console.log((await api('/articles').post({ headers, body })).error)
console.log((await api('/articles').get({ query: { author: 'ada' } })).data?.articles.length)
console.log((await api('/articles/[slug]').get({ params: { slug: 'none' } })).error)
