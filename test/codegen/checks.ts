import { api } from './client.js'

// Checks that each client of the zoo passes: with `typeof app`, a written declaration file, and a written client. The
// compiler checks the types, and the caller of `check` checks the values.

type Equal<one, other> =
  (<value>() => value extends one ? 1 : 2) extends <value>() => value extends other ? 1 : 2 ? true : false
const same = <one, other>(_equal: Equal<one, other>): void => {}

export async function check(): Promise<Record<string, unknown>> {
  const seen: Record<string, unknown> = {}
  void invalidCalls

  const plain = await api('/plain').get()
  same<typeof plain.status, 200 | 503>(true)
  if (plain.status === 200) same<typeof plain.data, { text: string; at: string; many: readonly [1, 2] }>(true)
  if (plain.status === 503) {
    same<typeof plain.data, undefined>(true)
    same<typeof plain.error.type, 'https://errors.example/closed'>(true)
  }
  seen['plain'] = plain.data
  const closed = await api('/plain').get({ headers: { 'x-closed': '1' } })
  seen['closed'] = [closed.status, closed.error?.type]

  const params = await api('/params/[one]/[two]').get({ params: { one: 'a b', two: 2 } })
  if (params.data) same<typeof params.data.two, string>(true)
  seen['params'] = params.data
  const parsed = await api('/parsed/[id]').get({ params: { id: 5 } })
  if (parsed.status === 200) same<typeof parsed.data, number>(true)
  seen['parsed'] = parsed.data
  const gone = await api('/parsed/[id]').delete({ params: { id: 5 } })
  if (gone.status === 204) same<typeof gone.data, undefined>(true)
  seen['gone'] = gone.status
  seen['all'] = (await api('/all/[...path]').get({ params: { path: ['a', 'b/c'] } })).data
  seen['maybe'] = (await api('/maybe/[[...path]]').get()).data
  seen['quoted'] = (await api("/it's/[a-b]").get({ params: { 'a-b': 'c' } })).data
  seen['urls'] = [
    api('/params/[one]/[two]').url({ params: { one: 1, two: 2 } }),
    api('/query').url({ query: { page: 2, tag: ['a', 'b'] } }),
  ]

  const query = await api('/query').get({ query: { page: 2, tag: ['a'], since: new Date(0), 'odd-name': null } })
  if (query.status === 200) {
    same<typeof query.data.page, number>(true)
    same<typeof query.data.since, string | undefined>(true)
    same<typeof query.data.order, 'up' | 'down' | undefined>(true)
    same<(typeof query.data)['odd-name'], string | null | undefined>(true)
  }
  if (query.status === 400) same<typeof query.error.status, 400>(true)
  seen['query'] = query.data
  const wrong = await api('/query').get({ query: { page: NaN } })
  seen['wrong'] = wrong.status === 400 && wrong.error.errors?.[0]?.pointer
  seen['headers'] = (await api('/headers').get({ headers: { 'x-count': '3' } })).data

  const body = await api('/body').post({
    body: {
      name: 'a',
      union: { kind: 'b', b: 'x' },
      tuple: ['a', 1, true],
      record: { a: 1 },
      size: 'large',
      path: '/x',
    },
  })
  if (body.status === 201) {
    same<typeof body.data.tuple, [string, number, ...boolean[]] | undefined>(true)
    same<typeof body.data.path, `/${string}` | undefined>(true)
    if (body.data.union.kind === 'a') same<typeof body.data.union.a, number>(true)
  }
  seen['body'] = body.data
  const form = await api('/form').post({
    form: { photo: new File(['x'], 'a.txt', { type: 'text/plain' }), count: 3, tags: ['a', 'b'], alt: 'b' },
  })
  seen['form'] = form.data
  const filled = new FormData()
  filled.set('a', 'b')
  seen['fields'] = [
    (await api('/fields').post({ form: { a: 'x' } })).data,
    (await api('/fields').post({ form: filled })).data,
  ]
  seen['text'] = (await api('/raw').post({ text: 'abc' })).data
  const bytes = await api('/raw').put({ bytes: new Uint8Array([1, 2]) })
  if (bytes.status === 200) same<typeof bytes.data, Blob>(true)
  seen['bytes'] = bytes.status === 200 && [...new Uint8Array(await bytes.data.arrayBuffer())]
  seen['stream'] = (await api('/raw').patch({ stream: new Blob(['abcd']) })).data

  const events = await api('/streams/[kind]').get({ params: { kind: 'sse' } })
  if (events.status === 200) {
    const all: number[] = []
    for await (const event of events.data) {
      same<typeof event.data, { at: string; n: number }>(true)
      all.push(event.data.n)
    }
    seen['events'] = all
  }
  const lines = await api('/streams/[kind]').get({ params: { kind: 'lines' } })
  if (lines.status === 201) {
    const all: number[] = []
    for await (const { line } of lines.data) all.push(line)
    seen['lines'] = all
  }
  const items = await api('/stream-of-items').get()
  if (items.status === 200) for await (const { at } of items.data) seen['items'] = at satisfies string

  const credit = await api('/problems/[kind]').get({ params: { kind: 'credit' } })
  same<Extract<typeof credit, { error: object | string }>['status'], 402 | 409 | 503>(true)
  if (credit.status === 402) {
    if (credit.error.type === 'https://errors.example/credit') same<typeof credit.error.balance, number>(true)
    else same<typeof credit.error.most, number>(true)
    seen['credit'] = credit.error.type === 'https://errors.example/credit' && credit.error.balance
  }
  const text = await api('/problems/[kind]').get({ params: { kind: 'text' } })
  seen['problem'] = text.status === 409 && text.error
  const declared = await api('/declared/[kind]').get({ params: { kind: 'x' } })
  same<typeof declared.status, 200 | 404 | 418 | 503>(true)
  if (declared.status === 200) same<typeof declared.data.size, 'small' | 'large'>(true)
  if (declared.status === 404) same<typeof declared.error.missing, string>(true)
  seen['declared'] = declared.data

  const tree = await api('/tree').get()
  if (tree.status === 200) same<(typeof tree.data.children)[number], typeof tree.data>(true)
  seen['tree'] = tree.status === 200 && tree.data.children[0]?.name
  const json = await api('/json').post({ body: [1, { a: [null, 'b'] }] })
  seen['json'] = json.status === 200 && json.data.files.inside
  const category = await api('/category').post({
    body: { name: 'a', inside: [{ name: 'b', inside: [{ name: 'c' }] }] },
  })
  seen['category'] = category.status === 200 && category.data.inside?.[0]?.inside?.[0]?.name
  const brands = await api('/brands').get()
  if (brands.status === 200) {
    const id: string = brands.data.id
    seen['brands'] = [id, brands.data.own]
    // @ts-expect-error a string is no brand
    const branded: typeof brands.data.id = 'a'
    // @ts-expect-error nor is another brand
    const other: typeof brands.data.own = brands.data.id
    void [branded, other]
  }
  const anything = await api('/anything').get()
  if (anything.status === 200) same<typeof anything.data, unknown>(true)
  if (anything.status === 404) same<typeof anything.error, unknown>(true)
  seen['anything'] = anything.data
  const head = await api('/empty').head()
  seen['head'] = [head.status, head.response.headers.get('x-size')]
  seen['empty'] = [
    (await api('/empty').delete()).status,
    (await api('/empty').get()).data,
    (await api('/empty').options()).data,
    (await api('/empty').query({ body: { ask: 'x' } })).data,
  ]
  const me = await api('/v1/me').get({ headers: { authorization: 'refused' } })
  same<typeof me.status, 200 | 401 | 503>(true)
  seen['me'] = me.status === 401 && me.error.status
  return seen
}

// Calls that must not compile. This function is never called.
async function invalidCalls(): Promise<void> {
  // @ts-expect-error an unknown pattern
  api('/plane')
  // @ts-expect-error an undeclared method
  await api('/plain').post()
  // @ts-expect-error params are missing
  await api('/params/[one]/[two]').get()
  // @ts-expect-error one param is missing
  await api('/params/[one]/[two]').get({ params: { one: 'a' } })
  // @ts-expect-error a param of the wrong type
  await api('/parsed/[id]').get({ params: { id: 'five' } })
  // @ts-expect-error a catch-all is a list
  await api('/all/[...path]').get({ params: { path: 'a' } })
  // @ts-expect-error a catch-all is required
  await api('/all/[...path]').get()
  // @ts-expect-error a coerced query has the type of its output
  await api('/query').get({ query: { page: 'two' } })
  // @ts-expect-error an undeclared query
  await api('/query').get({ query: { pages: 2 } })
  // @ts-expect-error not one of the values
  await api('/query').get({ query: { order: 'left' } })
  // @ts-expect-error headers that are declared
  await api('/headers').get()
  // @ts-expect-error a field of the body is missing
  await api('/body').post({ body: { name: 'a' } })
  // @ts-expect-error a body that the operation does not declare
  await api('/plain').get({ body: {} })
  // @ts-expect-error the wrong member of a union
  await api('/body').post({ body: { name: 'a', union: { kind: 'a', b: 'x' } } })
  // @ts-expect-error a path with another beginning
  await api('/body').post({ body: { name: 'a', union: { kind: 'a', a: 1 }, path: 'x' } })
  // @ts-expect-error a file is a File
  await api('/form').post({ form: { photo: 'x', count: 1, tags: [] } })
  // @ts-expect-error a wrong type deep inside
  await api('/category').post({ body: { name: 'a', inside: [{ name: 'b', inside: [{ name: 3 }] }] } })
  // @ts-expect-error JSON has no Date
  await api('/json').post({ body: [new Date(0)] })
  // @ts-expect-error the URL needs its params
  api('/parsed/[id]').url()
  // @ts-expect-error a text is a string
  await api('/raw').post({ text: 5 })
  const plain = await api('/plain').get()
  // @ts-expect-error a status that the route does not send
  if (plain.status === 404) return
  // @ts-expect-error data may be absent
  void plain.data.text
}
