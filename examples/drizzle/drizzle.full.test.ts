import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeWithPostgres, startPostgres, type PostgresServer } from '../../test/postgres.js'
import { startExample, type StartedExample } from '../../test/start-example.js'

const folder = fileURLToPath(new URL('.', import.meta.url))
const isInstalled = existsSync(join(folder, 'node_modules/drizzle-orm'))
const suite = isInstalled || process.env['CI'] ? describe : describe.skip

const start = (database: string) => startExample(folder, { DATABASE_URL: database })

const sea = { slug: 'sea', title: 'The sea', author: 'Ada' }
const post = (url: string, body: object) =>
  fetch(`${url}/posts`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })

function tests(urlOf: () => string): void {
  let server: StartedExample
  beforeAll(async () => {
    server = await start(urlOf())
  })
  afterAll(() => server?.child.kill('SIGKILL'))

  it('creates, finds, lists and removes posts', async () => {
    const created = await post(server.url, sea)
    expect([created.status, created.headers.get('location')]).toEqual([201, '/posts/sea'])
    const found = { id: 1, ...sea }
    expect(await created.json()).toEqual(found)
    expect(await (await fetch(`${server.url}/posts/sea`)).json()).toEqual(found)
    expect(await (await fetch(`${server.url}/posts`)).json()).toEqual({ posts: [found], next: null })
    const remove = () => fetch(`${server.url}/posts/sea`, { method: 'DELETE' })
    expect([(await remove()).status, (await remove()).status]).toEqual([204, 404])
    expect((await fetch(`${server.url}/posts/sea`)).status).toBe(404)
  })

  it('accepts one of many concurrent requests with the same slug, and names the field in the 409s', async () => {
    const responses = await Promise.all(
      Array.from({ length: 10 }, (_, index) => post(server.url, { ...sea, slug: 'race', title: `Try ${index}` })),
    )
    const statuses = responses.map(({ status }) => status).sort()
    expect(statuses).toEqual([201, ...Array.from({ length: 9 }, () => 409)])
    const problem = responses.find(({ status }) => status === 409)!
    expect(problem.headers.get('content-type')).toBe('application/problem+json')
    expect(await problem.json()).toMatchObject({ status: 409, pointer: '/slug' })
  })

  it('adds no author if the post is rejected with a 409', async () => {
    expect((await post(server.url, { ...sea, slug: 'race', author: 'Nobody' })).status).toBe(409)
    const { posts } = (await (await fetch(`${server.url}/posts?author=Nobody`)).json()) as { posts: object[] }
    expect(posts).toEqual([])
    expect((await post(server.url, { ...sea, slug: 'first', author: 'Nobody' })).status).toBe(201)
  })

  it('lists pages newest first, and posts that are added between requests do not shift them', async () => {
    for (let index = 0; index < 5; index++)
      await post(server.url, { slug: `page-${index}`, title: 'A page', author: 'Bo' })
    const page = async (query: string) =>
      (await (await fetch(`${server.url}/posts?author=Bo&limit=2${query}`)).json()) as {
        posts: { slug: string }[]
        next: number | null
      }
    const slugs: string[] = []
    let found = await page('')
    for (;;) {
      slugs.push(...found.posts.map(({ slug }) => slug))
      if (found.next === null) break
      await post(server.url, { slug: `new-${found.next}`, title: 'A page', author: 'Bo' })
      found = await page(`&before=${found.next}`)
    }
    expect(slugs).toEqual(['page-4', 'page-3', 'page-2', 'page-1', 'page-0'])
  })

  it.each([
    ['a slug with a space', { ...sea, slug: 'a b' }, '/slug'],
    ['no title', { slug: 'a', author: 'Ada' }, '/title'],
    ['SQL as a slug', { ...sea, slug: "'; drop table posts; --" }, '/slug'],
  ])('responds with a 400 to %s', async (_name, body, pointer) => {
    const response = await post(server.url, body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ errors: [{ in: 'body', pointer }] })
  })

  it.each(['limit=0', 'limit=101', 'before=x', 'before=-1'])('responds with a 400 to the query %s', async (query) => {
    expect((await fetch(`${server.url}/posts?${query}`)).status).toBe(400)
  })

  it('stores SQL in other fields as text', async () => {
    const title = "'); drop table posts; --"
    expect(await (await post(server.url, { ...sea, slug: 'quotes', title })).json()).toMatchObject({ title })
    expect((await fetch(`${server.url}/posts?author=${encodeURIComponent(title)}`)).status).toBe(200)
    expect(await (await fetch(`${server.url}/posts/quotes`)).json()).toMatchObject({ title })
  })

  it('exits with 0 after SIGTERM, and keeps its rows after a restart', async () => {
    expect(await server.stop()).toBe(0)
    server = await start(urlOf())
    expect((await fetch(`${server.url}/posts/race`)).status).toBe(200)
    expect(await server.stop()).toBe(0)
  })
}

suite(`examples/drizzle${isInstalled ? '' : ' (run npm ci --prefix examples/drizzle --ignore-scripts)'}`, () => {
  it('compiles', async () => {
    await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit'], { cwd: folder })
  })

  describe('with SQLite', () => {
    const temporary = mkdtempSync(join(tmpdir(), 'byway-drizzle-'))
    afterAll(() => rmSync(temporary, { recursive: true, force: true }))
    tests(() => `file:${join(temporary, 'blog.db')}`)
  })

  describeWithPostgres('with PostgreSQL', () => {
    let postgres: PostgresServer
    beforeAll(async () => {
      postgres = await startPostgres()
    })
    afterAll(() => postgres?.close())
    tests(() => postgres.url)

    it('leaves no connection open', async () => {
      expect(
        await postgres.query("select count(*) from pg_stat_activity where application_name like 'postgres.js'"),
      ).toBe('0')
    })
  })

  it('ends with an error if the database cannot be reached', async () => {
    await expect(start('postgres://byway@127.0.0.1:1/none')).rejects.toThrow('ECONNREFUSED')
  })
})
