import { defineConfig } from 'vitest/config'
import { embed } from './embed.js'

export default defineConfig({
  plugins: [embed()],
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 20_000,
    // Two cores are the usual machine; hosts and browsers in the tests want one of them.
    maxWorkers: 2,
  },
})
