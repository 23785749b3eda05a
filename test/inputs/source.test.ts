import { execFile } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, describe, expect, it } from 'vitest'
import { BodyLimitError, limitBody, limitStream } from '../../src/inputs/source.js'
import { checkLimits } from './fixtures/limits.js'

// The other runtimes test the methods that hosts without byway's Node.js adapter use.
const runtimes = fileURLToPath(new URL('../runtimes/node_modules', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'byway-source-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const post = (body: BodyInit, headers: Record<string, string> = {}): Request =>
  new Request('http://test/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

/** Returns an endless stream of 10-byte chunks, and counts the chunks that are read. */
function endless(): { readonly body: ReadableStream<Uint8Array<ArrayBuffer>>; taken: number; isCanceled: boolean } {
  const source = {
    taken: 0,
    isCanceled: false,
    body: new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull(controller) {
        source.taken++
        controller.enqueue(new Uint8Array(10))
      },
      cancel: () => void (source.isCanceled = true),
    }),
  }
  return source
}

describe('limitBody()', () => {
  it('limits every way of reading a body on Node.js', async () => {
    expect(await checkLimits()).toEqual([])
  })

  it.each([
    ['Bun', '@oven/bun-linux-x64/bin/bun', []],
    ['Deno', '@deno/linux-x64-glibc/deno', ['run', '--no-config', '-A']],
  ])('limits every way of reading a body on %s', async (name, path, args) => {
    const binary = join(runtimes, path)
    if (!existsSync(binary) && !process.env['CI'])
      return console.warn(`${name} is not installed: npm ci --prefix test/runtimes`)
    const outfile = join(folder, 'limits.mjs')
    const fixture = fileURLToPath(new URL('fixtures/limits.ts', import.meta.url))
    const contents = `import { checkLimits } from ${JSON.stringify(fixture)}\nconsole.log(JSON.stringify(await checkLimits()))`
    await build({ stdin: { contents, resolveDir: folder }, bundle: true, format: 'esm', outfile, logLevel: 'error' })
    const { stdout } = await promisify(execFile)(binary, [...args, outfile])
    expect(JSON.parse(stdout)).toEqual([])
  })

  it('stops reading an endless body after the limit, and cancels it', async () => {
    const source = endless()
    const request = post(source.body)
    limitBody(request, 95)
    await expect(request.text()).rejects.toMatchObject({ name: 'BodyLimitError', limit: 95 })
    expect(source.taken).toBeLessThanOrEqual(14)
    expect(source.isCanceled).toBe(true)
  })

  it('does not change a request with an enforced Content-Length within the limit', () => {
    for (const [length, limit, isLimited] of [
      ['5', 5, false],
      ['6', 5, true],
      ['nonsense', 5, true],
    ] as const) {
      const request = post('hello', { 'content-length': length })
      limitBody(request, limit, true)
      expect([length, Object.hasOwn(request, 'text')]).toEqual([length, isLimited])
    }
    const announcesLess = post('hello', { 'content-length': '1' })
    limitBody(announcesLess, 4)
    return expect(announcesLess.text()).rejects.toThrow(BodyLimitError)
  })

  it('does not change GET and HEAD requests', () => {
    for (const method of ['GET', 'HEAD']) {
      const request = new Request('http://test/', { method })
      limitBody(request, 1)
      expect(Object.getOwnPropertyNames(request)).not.toContain('text')
    }
  })

  it('enforces the last limit that was set', async () => {
    const request = post('hello')
    limitBody(request, 1)
    limitBody(request, 5)
    expect(await request.text()).toBe('hello')
  })
})

describe('BodyLimitError', () => {
  it('matches an error of another copy of the class with instanceof', () => {
    expect(Object.assign(new Error('a'), { name: 'BodyLimitError' })).toBeInstanceOf(BodyLimitError)
    for (const other of [new Error('a'), null, undefined, 'BodyLimitError'])
      expect(other).not.toBeInstanceOf(BodyLimitError)
  })
})

describe('limitStream()', () => {
  it('passes a stream that is exactly as long as the limit', async () => {
    const stream = limitStream(new Blob(['hello']).stream() as ReadableStream<Uint8Array<ArrayBuffer>>, 5)
    expect(await new Response(stream).text()).toBe('hello')
  })

  it('fails with a BodyLimitError, and cancels its source', async () => {
    const source = endless()
    await expect(new Response(limitStream(source.body, 15)).text()).rejects.toThrow(
      'the request body is larger than 15 bytes',
    )
    expect(source.isCanceled).toBe(true)
  })
})
