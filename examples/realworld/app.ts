// The API of RealWorld: https://docs.realworld.show/specifications/backend/endpoints/
import { middleware, route, router, type AnyContext } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'
import { format } from './format.js'
import * as store from './store.js'
import type { Article, Comment, User } from './store.js'

const filled = z.string().min(1, "can't be blank")
const Page = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(20),
  offset: z.coerce.number().int().min(0).default(0),
})
const NewUser = z.object({ username: filled, email: z.email('is invalid'), password: filled })
const UserChange = NewUser.extend({ bio: z.string().nullable(), image: z.string().nullable() }).partial()
const NewArticle = z.object({
  title: filled,
  description: filled,
  body: filled,
  tagList: z.array(z.string()).default([]),
})

// ── the viewer ──

const tokenOf = (request: Request): User | undefined => {
  const [, token = ''] = /^Token (.+)$/.exec(request.headers.get('authorization') ?? '') ?? []
  return store.userOf(token)
}
const withViewer = middleware((request, _context, next) => next({ viewer: tokenOf(request) }))
const signedIn = middleware((request, _context, next) => {
  const viewer = tokenOf(request)
  return viewer ? next({ viewer }) : reply.unauthorized({ detail: 'token is missing or invalid' })
})
const anyone = route.use(withViewer)
const member = route.use(signedIn)

// ── values for a viewer ──

const toUser = (user: User, token: string) => {
  const { email, username, bio, image } = user
  return { user: { email, username, bio, image, token } }
}
const toProfile = ({ username, bio, image }: User, following: boolean) => ({ username, bio, image, following })
const profileFor = (user: User, viewer: User | undefined) =>
  toProfile(user, viewer !== undefined && store.followedBy(viewer).has(user))
const toArticle = ({ favoritedBy, comments: _comments, author, ...article }: Article, viewer: User | undefined) => ({
  ...article,
  favorited: viewer !== undefined && favoritedBy.has(viewer),
  favoritesCount: favoritedBy.size,
  author: profileFor(author, viewer),
})
const toList = (found: Article[], { limit, offset }: z.infer<typeof Page>, viewer: User | undefined) => ({
  articles: found
    .toReversed()
    .toSorted((one, other) => Number(other.createdAt) - Number(one.createdAt))
    .slice(offset, offset + limit)
    .map((article) => {
      const { body: _body, ...rest } = toArticle(article, viewer)
      return rest
    }),
  articlesCount: found.length,
})
const toComment = ({ author, ...comment }: Comment, viewer: User | undefined) => ({
  ...comment,
  author: profileFor(author, viewer),
})

// ── users ──

const isTaken = (values: { email?: string | undefined; username?: string | undefined }, own?: User) => {
  for (const name of ['email', 'username'] as const) {
    const found = values[name] === undefined ? undefined : store.findUser({ [name]: values[name] })
    if (found && found !== own) return reply.problem(409, { detail: `${name} has already been taken` })
  }
  return undefined
}

const users = route('/users').post(
  { body: z.object({ user: NewUser }), sensitive: true },
  (_request, { body: { user: given } }) => {
    const taken = isTaken(given)
    if (taken) return taken
    const user = store.addUser({ email: given.email, username: given.username }, given.password)
    return reply.json(toUser(user, store.addToken(user)), { status: 201 })
  },
)
const login = route('/users/login').post(
  { body: z.object({ user: NewUser.omit({ username: true }) }), sensitive: true },
  (_request, { body: { user: given } }) => {
    const user = store.findUser({ email: given.email })
    if (!user || !store.isPassword(user.password, given.password))
      return reply.unauthorized({ detail: 'email or password is invalid' })
    return toUser(user, store.addToken(user))
  },
)
const current = member('/user')
  .get((request, { viewer }) => toUser(viewer, request.headers.get('authorization')!.slice(6)))
  .put({ body: z.object({ user: UserChange }), sensitive: true }, (request, { body: { user: given }, viewer }) => {
    const { password, ...values } = given
    const taken = isTaken(values, viewer)
    if (taken) return taken
    Object.assign(viewer, values, password !== undefined && { password: store.toPassword(password) })
    return toUser(viewer, request.headers.get('authorization')!.slice(6))
  })

// ── profiles ──

const withProfile = middleware((_request, { params }: AnyContext & { params: { username: string } }, next) => {
  const profile = store.findUser({ username: params.username })
  return profile ? next({ profile }) : reply.notFound({ detail: 'profile not found' })
})
const profile = anyone('/profiles/[username]')
  .use(withProfile)
  .get((_request, { profile, viewer }) => ({ profile: profileFor(profile, viewer) }))
const follow = member('/profiles/[username]/follow')
  .use(withProfile)
  .post((_request, { profile, viewer }) => {
    store.followedBy(viewer).add(profile)
    return { profile: toProfile(profile, true) }
  })
  .delete((_request, { profile, viewer }) => {
    store.followedBy(viewer).delete(profile)
    return { profile: toProfile(profile, false) }
  })

// ── articles ──

const withArticle = middleware((_request, { params }: AnyContext & { params: { slug: string } }, next) => {
  const article = store.articles.get(params.slug)
  return article ? next({ article }) : reply.notFound({ detail: 'article not found' })
})
const byAuthor = middleware((_request, { article, viewer }: AnyContext & { article: Article; viewer: User }, next) =>
  article.author === viewer ? next() : reply.forbidden({ detail: 'the article is of another author' }),
)

const list = anyone('/articles')
  .get(
    {
      query: Page.extend({
        tag: z.string().optional(),
        author: z.string().optional(),
        favorited: z.string().optional(),
      }),
    },
    (_request, { query: { tag, author, favorited, ...page }, viewer }) => {
      const fits = ({ tagList, author: { username }, favoritedBy }: Article): boolean =>
        (tag === undefined || tagList.includes(tag)) &&
        (author === undefined || username === author) &&
        (favorited === undefined || [...favoritedBy].some(({ username }) => username === favorited))
      return toList([...store.articles.values()].filter(fits), page, viewer)
    },
  )
  .use(signedIn)
  .post({ body: z.object({ article: NewArticle }) }, (_request, { body, viewer }) => {
    const now = new Date()
    const article: Article = {
      slug: store.toSlug(body.article.title),
      ...body.article,
      createdAt: now,
      updatedAt: now,
      author: viewer,
      favoritedBy: new Set(),
      comments: [],
    }
    store.articles.set(article.slug, article)
    return reply.json({ article: toArticle(article, viewer) }, { status: 201 })
  })
const feed = member('/articles/feed').get({ query: Page }, (_request, { query, viewer }) => {
  const authors = store.followedBy(viewer)
  return toList(
    [...store.articles.values()].filter(({ author }) => authors.has(author)),
    query,
    viewer,
  )
})
const one = anyone('/articles/[slug]')
  .use(withArticle)
  .get((_request, { article, viewer }) => ({ article: toArticle(article, viewer) }))
  .use(signedIn)
  .use(byAuthor)
  .put({ body: z.object({ article: NewArticle.partial() }) }, (_request, { article, body, viewer }) => {
    store.articles.delete(article.slug)
    const { title, description, body: text } = body.article
    if (title !== undefined) Object.assign(article, { title, slug: store.toSlug(title, article) })
    if (description !== undefined) article.description = description
    if (text !== undefined) article.body = text
    article.updatedAt = new Date()
    store.articles.set(article.slug, article)
    return { article: toArticle(article, viewer) }
  })
  .delete((_request, { article }) => void store.articles.delete(article.slug))
const favorite = member('/articles/[slug]/favorite')
  .use(withArticle)
  .post((_request, { article, viewer }) => {
    article.favoritedBy.add(viewer)
    return { article: toArticle(article, viewer) }
  })
  .delete((_request, { article, viewer }) => {
    article.favoritedBy.delete(viewer)
    return { article: toArticle(article, viewer) }
  })

// ── comments and tags ──

const comments = anyone('/articles/[slug]/comments')
  .use(withArticle)
  .get((_request, { article, viewer }) => ({
    comments: article.comments.map((comment) => toComment(comment, viewer)),
  }))
  .use(signedIn)
  .post({ body: z.object({ comment: z.object({ body: filled }) }) }, (_request, { article, body, viewer }) => {
    const now = new Date()
    const comment = { ...body.comment, id: store.nextCommentId(), createdAt: now, updatedAt: now, author: viewer }
    article.comments.push(comment)
    return reply.json({ comment: toComment(comment, viewer) }, { status: 201 })
  })
const comment = member('/articles/[slug]/comments/[id]', {
  params: z.object({ slug: z.string(), id: z.coerce.number().int() }),
})
  .use(withArticle)
  .delete((_request, { article, params, viewer }) => {
    const index = article.comments.findIndex(({ id }) => id === params.id)
    if (index === -1) return reply.notFound({ detail: 'comment not found' })
    if (article.comments[index]!.author !== viewer)
      return reply.forbidden({ detail: 'the comment is of another author' })
    article.comments.splice(index, 1)
    return undefined
  })
const tags = route('/tags').get(() => ({
  tags: [...new Set([...store.articles.values()].flatMap(({ tagList }) => tagList))],
}))

export default router(
  { users, login, current, profile, follow, list, feed, one, favorite, comments, comment, tags },
  { basePath: '/api', problems: format },
)
