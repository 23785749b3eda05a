import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { freePort } from '../../test/redis.js'

const folder = fileURLToPath(new URL('.', import.meta.url))
const isInstalled = existsSync(join(folder, 'node_modules/wrangler'))
const suite = isInstalled || process.env['CI'] ? describe : describe.skip

const wrangler = join(folder, 'node_modules/wrangler/bin/wrangler.js')
// CI=1 disables the prompts of wrangler.
const env = { ...process.env, CI: '1', WRANGLER_SEND_METRICS: 'false', NO_COLOR: '1' }
const run = (...words: string[]) =>
  promisify(execFile)(process.execPath, [wrangler, ...words], { cwd: folder, env, timeout: 200_000 })

suite(`examples/cloudflare${isInstalled ? '' : ' (run npm ci --prefix examples/cloudflare --ignore-scripts)'}`, () => {
  const state = mkdtempSync(join(tmpdir(), 'byway-cloudflare-'))
  let child: ChildProcess
  let url: string

  const start = async (): Promise<void> => {
    const port = await freePort()
    url = `http://127.0.0.1:${port}`
    // A process group, because wrangler starts workerd.
    child = spawn(
      process.execPath,
      [wrangler, 'dev', '--ip', '127.0.0.1', '--port', String(port), '--inspector-port', '0', '--persist-to', state],
      { cwd: folder, env, stdio: 'ignore', detached: true },
    )
    await vi.waitFor(async () => expect((await fetch(`${url}/items`)).status).toBe(200), { interval: 200 })
  }
  const stop = async (): Promise<void> => {
    if (!child?.pid || child.exitCode !== null) return
    const exit = once(child, 'exit')
    process.kill(-child.pid, 'SIGKILL')
    await exit
  }

  beforeAll(async () => {
    await run('d1', 'migrations', 'apply', 'DB', '--local', '--persist-to', state)
    await start()
  })
  afterAll(async () => {
    await stop()
    rmSync(state, { recursive: true, force: true })
  })

  const post = (path: string, body: object) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })

  it('compiles', async () => {
    await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit'], { cwd: folder })
  })

  it('stores items in D1, and lists them in pages', async () => {
    for (const slug of ['one', 'two', 'three']) {
      const response = await post('/items', { slug, name: slug })
      expect([response.status, response.headers.get('location')]).toEqual([201, `/items/${slug}`])
    }
    const page = async (query: string) =>
      (await (await fetch(`${url}/items?limit=2${query}`)).json()) as { items: { slug: string }[]; next: number | null }
    const first = await page('')
    expect(first.items.map(({ slug }) => slug)).toEqual(['one', 'two'])
    const second = await page(`&after=${first.next}`)
    expect([second.items.map(({ slug }) => slug), second.next]).toEqual([['three'], null])
  })

  it('accepts one of many concurrent requests with the same slug', async () => {
    const responses = await Promise.all(Array.from({ length: 5 }, () => post('/items', { slug: 'race', name: 'Race' })))
    expect(responses.map(({ status }) => status).sort()).toEqual([201, 409, 409, 409, 409])
    const problem = responses.find(({ status }) => status === 409)!
    expect(await problem.json()).toMatchObject({ status: 409, pointer: '/slug' })
  })

  it.each([
    [{ slug: 'a b', name: 'A' }, '/slug'],
    [{ slug: 'a' }, '/name'],
    [{ slug: "'; drop table items; --", name: 'A' }, '/slug'],
  ])('responds with a 400 to %j', async (body, pointer) => {
    const response = await post('/items', body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ errors: [{ in: 'body', pointer }] })
  })

  it('caches a response in KV until its item is removed', async () => {
    await post('/items', { slug: 'kept', name: 'Kept' })
    const get = () => fetch(`${url}/items/kept`)
    expect((await get()).headers.get('cache-status')).toContain('stored')
    await expect.poll(async () => (await get()).headers.get('cache-status')).toContain('hit')
    expect(await (await get()).json()).toMatchObject({ slug: 'kept', name: 'Kept' })
    const remove = () => fetch(`${url}/items/kept`, { method: 'DELETE' })
    expect((await remove()).status).toBe(204)
    expect((await get()).status).toBe(404)
    expect((await remove()).status).toBe(404)
  })

  it('counts views after the response', async () => {
    await post('/items', { slug: 'seen', name: 'Seen' })
    for (let view = 0; view < 3; view++) expect((await post('/items/seen/views', {})).status).toBe(202)
    await expect.poll(async () => (await fetch(`${url}/items/seen/views`)).json()).toEqual({ views: 3 })
    expect((await fetch(`${url}/items/none/views`)).status).toBe(404)
  })

  it('keeps its items after a restart', async () => {
    await stop()
    await start()
    expect(await (await fetch(`${url}/items/one`)).json()).toMatchObject({ slug: 'one' })
  })

  it('bundles for a deployment with less than 150 KiB (gzip)', async () => {
    const { stdout } = await run('deploy', '--dry-run')
    // The size was 132 KiB when this test was written.
    const [, size] = /gzip: ([\d.]+) KiB/.exec(stdout)!
    expect(Number(size)).toBeLessThan(150)
  })
})
