import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { byway } from './run.js'

describe('byway', () => {
  it('prints help for all commands and for each one', async () => {
    const all = await byway('--help')
    expect(all).toMatchObject({ code: 0, stderr: '' })
    const names = [...all.stdout.matchAll(/^ {2}(\w+) \[options\]/gm)].map(([, name]) => name!)
    expect(names).toEqual(expect.arrayContaining(['serve', 'routes', 'openapi', 'prerender', 'doctor']))
    for (const help of await Promise.all(names.map((name) => byway(name, '--help')))) {
      expect(help).toMatchObject({ code: 0, stderr: '' })
      expect(help.stdout).toMatch(/^Usage: byway \w+ \[options\] \[file\]\n\n\S/)
    }
  })

  it('prints the version of the package', async () => {
    const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8')) as {
      version: string
    }
    expect(await byway('--version')).toEqual({ code: 0, stdout: `${version}\n`, stderr: '' })
  })

  it.each([
    ['an unknown command', ['rutes'], /unknown command 'rutes'\n\(Did you mean routes\?\)/],
    ['an unknown option', ['routes', '--jsn'], /unknown option '--jsn'/],
    ['a surplus argument', ['routes', 'app.ts', 'b.ts'], /too many arguments/],
    ['an invalid port', ['serve', 'app.ts', '--port', '70000'], /Use a number from 0 to 65535/],
  ])('exits with 2 for %s, and writes nothing to stdout', async (_what, args, message) => {
    const { code, stdout, stderr } = await byway(...args)
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })

  it.each([
    [
      'does not exist',
      ['routes', 'nope.ts'],
      /^byway: nope\.ts does not exist or is not a file; pass the app's file \(tried \/.*nope\.ts\)\n$/,
    ],
    ['is a folder', ['routes', '.'], /^byway: \. does not exist or is not a file/],
    [
      'has no router',
      ['routes', 'no-router.ts'],
      /^byway: no-router\.ts has no router as its default export; add: export default router\(\{ … \}\)\n\nit exports value \(number\)\n$/,
    ],
    [
      'lacks the export',
      ['routes', 'app.ts', '--export', 'api'],
      /^byway: app\.ts has no router as its export 'api'; choose one with --export: default\n/,
    ],
    [
      'has conflicting patterns',
      ['routes', 'twice.ts'],
      /^byway: twice\.ts could not be loaded\n\nRouterError: [^]*\/a\/\[b\][^]*\/a\/\[c\]/,
    ],
  ])('exits with 1 and prints a message if the app %s', async (_what, args, message) => {
    const { code, stdout, stderr } = await byway(...args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
    expect(stderr).not.toContain('    at ')
  })
})

describe('byway routes', () => {
  it('lists the operations with their inputs, cache and source', async () => {
    expect(await byway('routes', 'app.ts')).toEqual({
      code: 0,
      stderr: '',
      stdout: [
        'METHOD  PATTERN            INPUTS  CACHE              SOURCE',
        'GET     /api/items         query   60 s; items        app.ts:15',
        'POST    /api/items         body                       app.ts:19',
        'GET     /api/items/[slug]          until revalidated  app.ts:23',
        '',
      ].join('\n'),
    })
  })

  it('lists the operations as JSON', async () => {
    const { code, stdout } = await byway('routes', 'app.ts', '--json')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toContainEqual({
      method: 'GET',
      pattern: '/api/items/[slug]',
      name: 'shop.item',
      inputs: [],
      cache: { revalidate: false, tags: [] },
      source: 'app.ts:23',
    })
  })

  it('finds the default file, and the only router if there is no default export', async () => {
    expect((await byway('routes')).stdout).toBe((await byway('routes', 'app.ts')).stdout)
    expect((await byway('routes', 'doubtful.ts')).stdout).toContain('/unchecked')
  })
})

describe('byway openapi', () => {
  it('writes the document with the title, version and server of the options and the package', async () => {
    const { code, stdout } = await byway('openapi', 'app.ts', '--server', 'https://api.example', '--title', 'Items')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      openapi: '3.1.0',
      info: { title: 'Items', version: '0.1.0' },
      servers: [{ url: 'https://api.example' }],
      paths: { '/api/items': { get: {}, post: {} }, '/api/items/{slug}': { get: {} } },
    })
  })

  it('writes to a file, creates its folder, and prints the file to stderr', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'byway-'))
    try {
      const file = join(folder, 'deep/openapi.json')
      const { code, stdout, stderr } = await byway('openapi', 'app.ts', '-o', file)
      expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
      expect(stderr).toMatch(/openapi\.json: \d+ bytes\n$/)
      expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ openapi: '3.1.0' })
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('byway prerender', () => {
  it('requests routes with static params, and lists the responses', async () => {
    const { code, stdout, stderr } = await byway('prerender', 'app.ts', '--base-url', 'https://api.example')
    expect(code).toBe(0)
    expect(stdout.split('\n').map((line) => line.trim().split(/ +/))).toEqual([
      ['STATUS', 'BYTES', 'PATHNAME', 'FILE'],
      ['200', '25', '/api/items'],
      ['200', '12', '/api/items/a'],
      ['200', '12', '/api/items/b'],
      [''],
    ])
    expect(stderr).toMatch(/prerendered 3 pages/)
  })

  it('fails if a cached handler reads a request header, and prints its route', async () => {
    const { code, stderr } = await byway('prerender', 'doubtful.ts')
    expect(code).toBe(1)
    expect(stderr).toMatch(/\/personal[^]*reads header cookie/)
  })
})

describe('byway doctor', () => {
  it('finds nothing in an app without mistakes', async () => {
    expect(await byway('doctor', 'app.ts')).toEqual({ code: 0, stdout: '', stderr: 'byway: found no mistakes\n' })
  })

  it('finds unvalidated bodies, uncached responses, undeclared statuses and unreachable routes', async () => {
    const { code, stdout, stderr } = await byway('doctor', 'doubtful.ts', '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const found = (JSON.parse(stdout) as { method: string; pattern: string; message: string }[]).map(
      ({ method, pattern, message }) => `${method} ${pattern} ${message}`,
    )
    expect(found).toEqual([
      expect.stringMatching(/^POST \/unchecked declares no body, so request bodies are not validated/),
      expect.stringMatching(/^GET \/personal is not cached: for \/personal it reads header cookie/),
      expect.stringMatching(
        /^GET \/old\/\[slug\] is unreachable, because '\/old\/\[slug\]' is rewritten to '\/new\/\[slug\]' first/,
      ),
      expect.stringMatching(/^GET \/undeclared can respond with 404 according to its types, but does not declare that/),
    ])
  })

  it('runs no handler with --no-run', async () => {
    const { stdout } = await byway('doctor', 'doubtful.ts', '--no-run')
    expect(stdout).toContain('/unchecked')
    expect(stdout).not.toContain('/personal')
  })
})
