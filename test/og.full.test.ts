import { copyFileSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { PNG } from 'pngjs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { binaries, freePort, isMissing, start, writeWorkerdConfig, type HostName } from './runtimes/hosts.js'

// The built package on other hosts, bundled as their tools do: in Workers, WebAssembly is a separate module.
const require = createRequire(import.meta.url)
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'byway-og-'))
const modules = ['satori/yoga.wasm', '@resvg/resvg-wasm/index_bg.wasm']

const app = `
import { route, router } from 'byway'
import { ImageResponse } from 'byway/og'
import data from '@fontsource/inter/files/inter-latin-400-normal.woff'

const style = { display: 'flex', width: '100%', height: '100%', backgroundColor: 'white', fontSize: 60 }
const card = route('/').get(() =>
  new ImageResponse({ type: 'div', props: { style, children: 'HHH' } }, { width: 200, height: 100, fonts: [{ name: 'Inter', data }] }),
)
export default router({ card })
`

async function bundle(name: string, conditions: string[]): Promise<void> {
  await build({
    stdin: { contents: app, resolveDir: root },
    outfile: join(folder, name),
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    target: 'es2022',
    conditions,
    external: [...modules, 'node:*'],
    define: { 'process.env.NODE_ENV': '"production"' },
    loader: { '.woff': 'binary' },
    logLevel: 'error',
  })
}

beforeAll(async () => {
  for (const module of modules) {
    // The host and `require` resolve modules in different folders.
    for (const place of [folder, join(folder, 'node_modules')]) {
      mkdirSync(join(place, dirname(module)), { recursive: true })
      copyFileSync(require.resolve(module), join(place, module))
    }
  }
  await bundle('worker.mjs', ['workerd'])
  await bundle('bun.mjs', ['bun'])
  await bundle('deno.mjs', ['deno'])
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const hosts: readonly [name: HostName, args: (port: number) => string[]][] = [
  ['Bun', (port) => ['run', '--port', String(port), join(folder, 'bun.mjs')]],
  [
    'Deno',
    (port) => [
      'serve',
      '--no-config',
      '--allow-env',
      '--allow-net=127.0.0.1',
      `--allow-read=${folder}`,
      '--host',
      '127.0.0.1',
      '--port',
      String(port),
      join(folder, 'deno.mjs'),
    ],
  ],
  [
    'workerd',
    (port) => {
      const config = writeWorkerdConfig(folder, 'worker.mjs', port, '2026-08-10', [], modules)
      return ['serve', config]
    },
  ],
]

describe.each(hosts)('ImageResponse on %s', (name, toArgs) => {
  it.skipIf(isMissing(name))('draws text without a network request', async () => {
    const port = await freePort()
    const child = await start(binaries[name], toArgs(port), `http://127.0.0.1:${port}/`)
    try {
      const response = await fetch(`http://127.0.0.1:${port}/`)
      expect([response.status, response.headers.get('content-type')]).toEqual([200, 'image/png'])
      const { width, height, data } = PNG.sync.read(Buffer.from(await response.arrayBuffer()))
      expect([width, height]).toEqual([200, 100])
      let dark = 0
      for (let index = 0; index < data.length; index += 4) if (data[index]! < 128) dark++
      expect(dark).toBeGreaterThan(500)
    } finally {
      child.kill()
    }
  })
})
