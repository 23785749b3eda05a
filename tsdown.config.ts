import { defineConfig } from 'tsdown'
import { embed } from './embed.js'

export default defineConfig({
  entry: [
    'src/index.ts',
    'src/cache/index.ts',
    'src/cli/main.ts',
    'src/client/index.ts',
    'src/documents/index.ts',
    'src/middleware/index.ts',
    'src/node.ts',
    'src/openapi/index.ts',
    'src/replies/index.ts',
    'src/response.ts',
    'src/response-node.ts',
    'src/webhooks/index.ts',
  ],
  format: 'esm',
  platform: 'neutral',
  target: 'es2022',
  // One file for one, so that a bundler takes what an app uses, and a stack trace names the file it comes from.
  unbundle: true,
  sourcemap: true,
  dts: { sourcemap: true },
  clean: true,
  plugins: [embed()],
  // The names of `imports` in package.json stay, so that each host resolves them by its own condition.
  deps: { neverBundle: [/^node:/, /^#/] },
})
