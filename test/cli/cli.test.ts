import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { byway, bywayIn } from './run.js'

describe('byway', () => {
  it('prints help for all commands and for each one', async () => {
    const all = await byway('--help')
    expect(all).toMatchObject({ code: 0, stderr: '' })
    const names = [...all.stdout.matchAll(/^ {2}(\w+) \[options\]/gm)].map(([, name]) => name!)
    expect(names).toEqual(expect.arrayContaining(['serve', 'request', 'routes', 'openapi', 'prerender', 'doctor']))
    for (const help of await Promise.all(names.map((name) => byway(name, '--help')))) {
      expect(help).toMatchObject({ code: 0, stderr: '' })
      expect(help.stdout).toMatch(
        /^Usage: byway \w+ \[options\] (?:\[(?:file|folder)\]|<file-and-path\.\.\.>|<folder>)\n\n\S/,
      )
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
        'GET     /api/items         query   60 s; items        app.ts:16',
        'POST    /api/items         body                       app.ts:20',
        'GET     /api/items/[slug]  params  until revalidated  app.ts:24',
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
      inputs: ['params'],
      cache: { revalidate: false, tags: [] },
      source: 'app.ts:24',
    })
  })

  it('uses app.ts by default, and the only exported router if there is no default export', async () => {
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

  it('uses the options of the docs() page, unless an argument replaces them', async () => {
    const { code, stdout } = await byway('openapi', 'documented.ts', '--api-version', '3.0.0')
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toMatchObject({
      info: { title: 'Documented', version: '3.0.0', description: 'All of it.' },
      servers: [{ url: 'https://documented.example' }],
      security: [{ key: [] }],
      components: { securitySchemes: { key: { type: 'apiKey' } } },
    })
    const other = await byway('openapi', 'documented.ts', '--server', 'https://other.example')
    expect(JSON.parse(other.stdout)).toMatchObject({
      info: { title: 'Documented', version: '2.0.0' },
      servers: [{ url: 'https://other.example' }],
    })
  })

  it('exits with 1 and prints the mistake for a schema whose values cannot be sent', async () => {
    const { code, stdout, stderr } = await byway('openapi', 'unsendable.ts')
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(/^byway: POST \/date: the body at \/at must be of type Date[^\n]*\n$/m)
    expect(stderr).not.toContain('    at ')
  })

  it('writes to a file, creates its folder, and prints the size of the file to stderr', async () => {
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
      ['200', '24', '/api/items'],
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

describe('byway request', () => {
  it('sends a request to an app without a server, and writes the body to stdout and the status to stderr', async () => {
    const { code, stdout, stderr } = await byway('request', 'app.ts', '/api/items?page=3')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '{"page":3,"color":"red"}' })
    expect(stderr).toMatch(/^byway: 200, application\/json, \d+ ms\n$/)
    expect((await byway('request', '/api/items/a')).stdout).toBe('{"slug":"a"}')
  })

  it('sends a body from an argument, a file or stdin, with headers', async () => {
    const added = await byway('request', 'app.ts', '/api/items', '-d', '{ "name": "a" }', '-i')
    expect(added.stdout).toBe('HTTP 201\ncontent-type: application/json\n\n{"name":"a"}')
    const piped = await bywayIn({ input: '{ "name": "b" }' }, 'request', 'app.ts', '/api/items', '-d', '@-')
    expect(piped.stdout).toBe('{"name":"b"}')
    const read = await byway('request', 'app.ts', '/api/items', '-d', '@name.json', '-H', 'content-type: text/plain')
    expect([read.code, (JSON.parse(read.stdout) as { status: number }).status]).toEqual([1, 415])
    const put = await byway('request', 'app.ts', '/api/items', '-X', 'put')
    expect([put.code, put.stderr]).toEqual([1, expect.stringContaining('byway: 405')])
  })

  it.each([
    ['a path without a slash', ['app.ts', 'items'], /request takes a file and a path/],
    ['a header without a value', ['app.ts', '/', '-H', 'nope'], /--header takes a name and a value/],
    ['a missing file', ['app.ts', '/', '-d', '@nope.json'], /--data @nope\.json could not be read: ENOENT/],
    ['an invalid method', ['app.ts', '/', '-X', 'a b'], /the request is invalid/],
  ])('exits with 1 for %s', async (_what, args, message) => {
    const { code, stdout, stderr } = await byway('request', ...args)
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).toMatch(message)
  })

  it('prints an error of the app with stack frames of the app only', async () => {
    const { code, stderr } = await byway('request', 'failing.ts', '/cause')
    expect(code).toBe(1)
    expect(stderr).toMatch(/GET \/cause failed: Error: the outer one\n\s+at [^\n]*failing\.ts:\d+:\d+\)?/)
    expect(stderr).toMatch(/\[cause\]: TypeError: the inner one\n\s+at [^\n]*failing\.ts:\d+:\d+\)?/)
    const frames = stderr.split('\n').filter((line) => /^\s+at /.test(line))
    expect(frames.filter((line) => !line.includes('failing.ts'))).toEqual([])
  })
})
