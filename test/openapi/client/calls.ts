// Calls the fixture's app with types that were generated from the document, without any import from byway.
import createClient from 'openapi-fetch'
import type { components, paths } from './paths.js'

export async function calls(fetch: (request: Request) => Promise<Response>) {
  const api = createClient<paths>({ baseUrl: 'https://shop.test', fetch })

  // ── a query ──
  const listed = await api.GET('/api/items', { params: { query: { page: 2, tag: ['a', 'b'], by: 'slug', above: 1 } } })
  const tags: string[] | undefined = listed.data?.tags
  const amount: number | undefined = listed.data?.items[0]?.price.amount
  const detail: string | undefined = listed.error?.detail
  // @ts-expect-error it is a number
  const rejected = await api.GET('/api/items', { params: { query: { page: 'a' } } })
  const errors: { in: string; pointer: string }[] | undefined =
    rejected.error && 'errors' in rejected.error ? rejected.error.errors : undefined
  // @ts-expect-error not one of its values
  await api.GET('/api/items', { params: { query: { by: 'age' } } })
  // @ts-expect-error its items have no such member
  void listed.data?.items[0]?.color

  // ── a body and headers ──
  const headers = { authorization: 'Bearer a' }
  const header = { 'idempotency-key': 'a' }
  const price = { amount: 3, currency: 'EUR' as const }
  const body = { slug: 'cup', price, since: '2026-01-01T00:00:00Z' }
  const added = await api.POST('/api/items', { params: { header }, body, headers })
  const slug: string | undefined = added.data?.slug
  const taken = await api.POST('/api/items', { params: { header }, body: { ...body, slug: 'tea', stock: 1 }, headers })
  const type: string | undefined = taken.error?.type
  const anonymous = await api.POST('/api/items', { params: { header }, body })
  // @ts-expect-error the header is missing
  await api.POST('/api/items', { body, headers })
  // @ts-expect-error the slug is missing
  await api.POST('/api/items', { params: { header }, body: { price, since: '' }, headers })
  const dear = { ...body, price: { amount: 3, currency: 'CHF' as const } }
  // @ts-expect-error no such currency
  await api.POST('/api/items', { params: { header }, body: dear, headers })

  // ── params ──
  const found = await api.GET('/api/items/{id}', { params: { path: { id: 1 } } })
  const item: components['schemas']['Item'] | undefined = found.data
  const missing = await api.GET('/api/items/{id}', { params: { path: { id: 2 } } })
  const sorry: string | undefined = missing.error && 'sorry' in missing.error ? missing.error.sorry : undefined
  // @ts-expect-error it is a number
  const invalid = await api.GET('/api/items/{id}', { params: { path: { id: 'tea' } } })
  // @ts-expect-error it is missing
  await api.GET('/api/items/{id}', { params: {} })
  // @ts-expect-error no such path
  await api.GET('/api/nothing')
  // @ts-expect-error no such method
  await api.PUT('/api/items/{id}', { params: { path: { id: 1 } } })
  const removed = await api.DELETE('/api/items/{id}', {
    params: { path: { id: 1 } },
    headers: { ...headers, 'x-admin': '1' },
  })
  const files = await api.GET('/api/files/{path}', {
    params: { path: { path: 'a b/c' } },
    parseAs: 'text',
    pathSerializer: (pathname, params) =>
      pathname.replace('{path}', String(params['path']).split('/').map(encodeURIComponent).join('/')),
  })
  const pages = await Promise.all([
    api.GET('/api/docs', { parseAs: 'text' }),
    api.GET('/api/docs/{page}', { params: { path: { page: 'a' } }, parseAs: 'text' }),
  ])

  // ── forms ──
  const form = {
    photo: new File(['png'], 'a.png', { type: 'image/png' }),
    alt: 'A',
    'where.city': 'Rome',
    'where.spot.x': 1,
  }
  const photo = await api.POST('/api/items/{id}/photo', {
    params: { path: { id: '1' } },
    body: form,
    bodySerializer(fields) {
      const data = new FormData()
      for (const [name, value] of Object.entries(fields ?? {}))
        data.append(name, value instanceof Blob ? value : String(value))
      return data
    },
    parseAs: 'text',
  })
  // @ts-expect-error it is a file
  await api.POST('/api/items/{id}/photo', { params: { path: { id: '1' } }, body: { ...form, photo: 'png' } })
  const subscribed = await api.POST('/api/uploads/form', {
    body: { name: 'Ada', age: 36 },
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    parseAs: 'text',
  })

  // ── text and recursive schemas ──
  const hook = await api.POST('/api/uploads/hook', { body: 'ping', bodySerializer: (text) => text, parseAs: 'text' })
  const said = await api.POST('/api/comments', { body: { text: 'a', replies: [{ text: 'b', replies: [] }] } })
  const reply: string | undefined = said.data?.added.replies[0]?.text
  // @ts-expect-error they are comments themselves
  await api.POST('/api/comments', { body: { text: 'a', replies: ['b'] } })
  const silent = await api.POST('/api/comments/thread', {})
  const thread: number | undefined = silent.data?.length

  return {
    listed: [listed.response.status, tags, amount, detail],
    rejected: [rejected.response.status, errors?.map(({ in: where, pointer }) => where + pointer)],
    added: [added.response.status, slug],
    taken: [taken.response.status, type],
    anonymous: anonymous.response.status,
    found: [found.response.status, item?.stock, item?.since],
    missing: [missing.response.status, sorry],
    invalid: invalid.response.status,
    removed: removed.response.status,
    files: files.data ?? files.error,
    pages: pages.map(({ data }) => data),
    photo: [photo.response.status, photo.data ?? photo.error],
    subscribed: subscribed.data ?? subscribed.error,
    hook: hook.data,
    said: reply,
    silent: [silent.response.status, thread],
  }
}
