import { createClient } from 'byway/client'
import { describe, expect, it } from 'vitest'
import app from './app.js'

const api = createClient<typeof app>({ fetch: app.fetch })
const article = { title: 'On tea', description: 'How to', body: 'It is warm.', tagList: ['tea', 'warm'] }

let count = 0
async function signUp() {
  const username = `user-${++count}`
  const user = { username, email: `${username}@example.com`, password: 'secret' }
  const { data } = await api('/users').post({ body: { user } })
  return { ...user, headers: { authorization: `Token ${data!.user.token}` } }
}
async function write(headers: { authorization: string }, values: Partial<typeof article> = {}) {
  const { data } = await api('/articles').post({ headers, body: { article: { ...article, ...values } } })
  return data!.article
}
const send = (path: string, init: RequestInit = {}): Promise<Response> =>
  Promise.resolve(app.fetch(new Request(`http://localhost/api${path}`, init)))

describe('examples/realworld', () => {
  it('signs up, logs in, and changes the user', async () => {
    const { headers, username, email, password } = await signUp()
    expect((await api('/user').get({ headers })).data?.user).toMatchObject({ username, email, bio: null })
    const login = (password: string) => api('/users/login').post({ body: { user: { email, password } } })
    expect((await login(password)).data?.user.username).toBe(username)
    expect((await login('wrong')).error).toEqual({ errors: { body: ['email or password is invalid'] } })
    const changed = await api('/user').put({ headers, body: { user: { bio: 'I', password: 'new' } } })
    expect(changed.data?.user).toMatchObject({ bio: 'I', username })
    expect([(await login(password)).status, (await login('new')).status]).toEqual([401, 200])
  })

  it('sends every error in the format of RealWorld', async () => {
    const { headers, username, email } = await signUp()
    const body = { user: { username: 'other', email, password: 'x' } }
    expect(await api('/users').post({ body })).toMatchObject({
      status: 409,
      error: { errors: { body: ['email has already been taken'] } },
    })
    expect(await api('/users').post({ body: { user: { username: '', email: 'x', password: '' } } })).toMatchObject({
      status: 422,
      error: { errors: { username: ["can't be blank"], email: ['is invalid'], password: ["can't be blank"] } },
    })
    const other = await signUp()
    expect((await api('/user').put({ headers: other.headers, body: { user: { username } } })).status).toBe(409)
    expect((await api('/user').get({ headers: { authorization: 'Token none' } })).status).toBe(401)
    const json = { 'content-type': 'application/json', ...headers }
    for (const [path, init, status] of [
      ['/none', {}, 404],
      ['/tags', { method: 'DELETE' }, 405],
      ['/articles', { method: 'POST', headers: json, body: '{' }, 422],
      ['/articles', { method: 'POST', headers, body: 'x' }, 415],
      ['/articles?limit=1000', {}, 422],
      ['/articles/none', {}, 404],
    ] as const) {
      const response = await send(path, init)
      expect([path, response.status, await response.json()]).toEqual([path, status, { errors: expect.any(Object) }])
    }
  })

  it('writes, lists, changes and removes articles', async () => {
    const [ada, bob] = [await signUp(), await signUp()]
    const first = await write(ada.headers)
    const second = await write(ada.headers)
    expect(first).toMatchObject({ slug: 'on-tea', author: { username: ada.username, following: false } })
    expect(second.slug).toMatch(/^on-tea-\w+$/)
    const listed = await api('/articles').get({ query: { author: ada.username, limit: 1 } })
    expect(listed.data).toMatchObject({ articlesCount: 2, articles: [{ slug: second.slug }] })
    expect(listed.data?.articles[0]).not.toHaveProperty('body')

    const params = { slug: first.slug }
    const change = { article: { title: 'On green tea' } }
    expect((await api('/articles/[slug]').put({ params, headers: bob.headers, body: change })).status).toBe(403)
    const changed = await api('/articles/[slug]').put({ params, headers: ada.headers, body: change })
    expect(changed.data?.article).toMatchObject({ slug: 'on-green-tea', body: 'It is warm.', tagList: ['tea', 'warm'] })
    expect((await api('/articles/[slug]').get({ params })).status).toBe(404)
    for (const [{ headers }, status] of [
      [bob, 403],
      [ada, 204],
      [ada, 404],
    ] as const)
      expect((await api('/articles/[slug]').delete({ params: { slug: 'on-green-tea' }, headers })).status).toBe(status)
  })

  it('favorites, follows, and has a feed of the followed users', async () => {
    const [ada, bob] = [await signUp(), await signUp()]
    const { slug } = await write(ada.headers, { title: 'A favorite', tagList: ['favorites'] })
    const params = { slug }
    const favorited = await api('/articles/[slug]/favorite').post({ params, headers: bob.headers })
    expect(favorited.data?.article).toMatchObject({ favorited: true, favoritesCount: 1 })
    const byBob = { query: { favorited: bob.username } }
    expect((await api('/articles').get(byBob)).data).toMatchObject({
      articlesCount: 1,
      articles: [{ favorited: false }],
    })
    await api('/articles/[slug]/favorite').delete({ params, headers: bob.headers })
    expect((await api('/articles').get(byBob)).data?.articlesCount).toBe(0)
    expect((await api('/tags').get()).data?.tags).toContain('favorites')

    const { headers } = bob
    const profile = { params: { username: ada.username }, headers }
    expect((await api('/articles/feed').get({ headers })).data?.articlesCount).toBe(0)
    expect((await api('/profiles/[username]/follow').post(profile)).data?.profile.following).toBe(true)
    expect((await api('/articles/feed').get({ headers })).data?.articles[0]).toMatchObject({
      slug,
      author: { following: true },
    })
    expect((await api('/profiles/[username]/follow').delete(profile)).data?.profile.following).toBe(false)
    expect((await api('/profiles/[username]').get({ params: { username: 'none' } })).status).toBe(404)
  })

  it('has comments, which only their authors remove', async () => {
    const [ada, bob] = [await signUp(), await signUp()]
    const { slug } = await write(ada.headers)
    const params = { slug }
    const posted = await api('/articles/[slug]/comments').post({
      params,
      headers: bob.headers,
      body: { comment: { body: 'Thanks' } },
    })
    const { id } = posted.data!.comment
    expect((await api('/articles/[slug]/comments').get({ params })).data?.comments).toMatchObject([
      { id, body: 'Thanks', author: { username: bob.username } },
    ])
    const remove = ({ headers }: typeof ada) =>
      api('/articles/[slug]/comments/[id]').delete({ params: { slug, id }, headers })
    expect([(await remove(ada)).status, (await remove(bob)).status, (await remove(bob)).status]).toEqual([
      403, 204, 404,
    ])
    expect((await send(`/articles/${slug}/comments/x`, { method: 'DELETE' })).status).toBe(404)
  })
})
