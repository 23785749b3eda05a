// Hosts with the file system of Node.js: Node.js, Bun and Deno.
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Wasm } from './wasm.js'

export async function loadWasm(): Promise<Wasm> {
  const require = createRequire(import.meta.url)
  const compile = async (name: string) => WebAssembly.compile(await readFile(require.resolve(name)))
  const [layout, resvg] = await Promise.all([compile('satori/yoga.wasm'), compile('@resvg/resvg-wasm/index_bg.wasm')])
  return { layout, resvg }
}
