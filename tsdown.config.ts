import { defineConfig, type UserConfig } from 'tsdown'
import { embed } from './embed.js'

// The client that `byway client` writes, without the app's types: its code and its types, one file each.
const standalone: UserConfig = {
  outDir: 'dist/standalone',
  platform: 'neutral',
  target: 'es2022',
  sourcemap: false,
  clean: false,
}

const main: UserConfig = {
  entry: [
    'src/index.ts',
    'src/cache/index.ts',
    'src/cli/main.ts',
    'src/client/index.ts',
    'src/compression/codings.ts',
    'src/compression/codings-node.ts',
    'src/documents/index.ts',
    'src/inputs/multipart.ts',
    'src/inputs/multipart-node.ts',
    'src/jwt/index.ts',
    'src/middleware/index.ts',
    'src/next/index.ts',
    'src/node.ts',
    'src/og/index.ts',
    'src/og/wasm.ts',
    'src/og/wasm-node.ts',
    'src/openapi/index.ts',
    'src/otel/index.ts',
    'src/replies/index.ts',
    'src/response.ts',
    'src/response-node.ts',
    'src/signal.ts',
    'src/signal-deno.ts',
    'src/signal-node.ts',
    'src/static/index.ts',
    'src/types.ts',
    'src/vercel/index.ts',
    'src/webhooks/index.ts',
  ],
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  // One file for one, so that a bundler takes what an app uses, and a stack trace names the file it comes from.
  unbundle: true,
  sourcemap: true,
  // All but the command's.
  dts: { sourcemap: false, entry: ['src/{index,node,response,response-node,types}.ts', 'src/*/index.ts'] },
  clean: true,
  plugins: [embed(), withoutEmpty(), withTypes()],
  // The names of `imports` in package.json stay, so that each host resolves them by its own condition.
  deps: { neverBundle: [/^node:/, /^#/, /\.wasm$/] },
}

/** Leaves out the type files that export nothing, of modules whose types no public type mentions. */
function withoutEmpty() {
  return {
    name: 'byway:without-empty',
    generateBundle(_options: unknown, bundle: { [file: string]: { readonly exports?: readonly string[] } }) {
      for (const [file, { exports }] of Object.entries(bundle))
        if (file.endsWith('.d.ts') && !exports?.length) delete bundle[file]
    },
  }
}

/** Adds `byway/types` to the program of whoever imports an entry: TypeScript names an inferred type by a module of the program. */
function withTypes() {
  return {
    name: 'byway:with-types',
    generateBundle(_options: unknown, bundle: { [file: string]: { code?: string } }) {
      for (const [file, chunk] of Object.entries(bundle))
        if (/^(?:\w+\/)?(?:index|node)\.d\.ts$/.test(file) && chunk.code !== undefined)
          chunk.code = `import type {} from '${file.includes('/') ? '..' : '.'}/types.js'\n${chunk.code}`
    },
  }
}

export default defineConfig([
  main,
  {
    ...standalone,
    entry: { client: 'src/client/index.ts' },
    format: 'iife',
    globalName: 'byway',
    dts: false,
    outputOptions: { comments: false },
  },
  {
    ...standalone,
    entry: { client: 'src/client/standalone.ts' },
    format: 'esm',
    dts: { emitDtsOnly: true, sourcemap: false },
  },
])
