import { defineConfig } from 'vitest/config'
import { embed } from './embed.js'

export default defineConfig({
  plugins: [embed()],
  // The condition that resolves the `imports` of package.json to `src`, also in processes that tests start.
  ssr: { resolve: { conditions: ['byway-source', 'node'] } },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 20_000,
    // Two cores are the usual machine; hosts and browsers in the tests want one of them.
    maxWorkers: 2,
  },
})
