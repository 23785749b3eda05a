import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { binaries, isMissing } from './runtimes/hosts.js'

// The built package, so run `npm run build` first.
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'byway-conditions-'))
beforeAll(() => {
  for (const part of ['dist', 'package.json'])
    cpSync(join(root, part), join(folder, 'node_modules/byway', part), { recursive: true })
  writeFileSync(join(folder, 'package.json'), '{}')
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = promisify(execFile)
const args = {
  Node: [],
  'Node 22': [],
  'Node 24': [],
  Bun: [],
  Deno: ['run', '--node-modules-dir=manual', '-A'],
} as const

// Prints whether byway's Response is the lazy class of Node, and the body that a client of that host reads.
const program = (source: string): string => `
import { route, router } from ${JSON.stringify(source)}
const app = router({ it: route('/').get(() => ({ a: 1 })) })
const response = await app.fetch(new Request('http://test/'))
const isLazy = '_toNodeResponse' in response
let text = await response.text()
if (globalThis.Bun ?? globalThis.Deno) {
  const server = globalThis.Bun
    ? Bun.serve({ port: 0, fetch: app.fetch })
    : Deno.serve({ port: 0, onListen() {} }, (request) => app.fetch(request))
  text = await (await fetch('http://localhost:' + (server.port ?? server.addr.port))).text()
  await (server.stop?.(true) ?? server.shutdown())
}
console.log(JSON.stringify({ isLazy, text }))
`

async function bundle(name: string, conditions?: readonly string[]): Promise<{ file: string; text: string }> {
  const file = join(folder, name)
  const { outputFiles } = await build({
    stdin: { contents: program('byway'), resolveDir: root },
    bundle: true,
    format: 'esm',
    outfile: file,
    external: ['node:*'],
    logLevel: 'error',
    write: false,
    ...(conditions && { conditions: [...conditions] }),
  })
  const { text } = outputFiles[0]!
  writeFileSync(file, text)
  return { file, text }
}

describe('#response', () => {
  it.each([
    ['Node', true],
    ['Node 22', true],
    ['Node 24', true],
    ['Bun', false],
    ['Deno', false],
  ] as const)('selects the Response of the installed package on %s: lazy is %s', async (name, isLazy) => {
    if (isMissing(name)) return
    const file = join(folder, 'package.mjs')
    writeFileSync(file, program('byway'))
    const { stdout } = await run(binaries[name], [...args[name], file])
    expect(JSON.parse(stdout)).toEqual({ isLazy, text: '{"a":1}' })
  })

  it.each([
    ['no condition', false, undefined],
    ['the conditions of wrangler', false, ['workerd', 'worker', 'browser']],
    ["the conditions of Next.js's edge runtime", false, ['edge-light', 'worker', 'node']],
    ['the conditions bun and node', false, ['bun', 'node']],
    ['the condition node', true, ['node']],
  ] as const)('selects the Response of a bundle with %s: lazy is %s', async (_name, isLazy, conditions) => {
    const { text } = await bundle('app.mjs', conditions)
    expect(text.includes('_toNodeResponse()')).toBe(isLazy)
  })

  it.each(['Bun', 'Deno'] as const)('uses native Responses in a bundle with the condition node on %s', async (name) => {
    if (isMissing(name)) return
    const { file } = await bundle(`${name}.mjs`, ['node'])
    const { stdout } = await run(binaries[name], [...args[name], file])
    expect(JSON.parse(stdout)).toEqual({ isLazy: false, text: '{"a":1}' })
  })
})
