import { defineConfig } from 'vitest/config'
import { embed } from './embed.js'

// A busy machine can take long: a test fails by what it asserts, and a timeout only ends a test that hangs.
const timeouts = { testTimeout: 120_000, hookTimeout: 120_000 }

export default defineConfig({
  plugins: [embed()],
  // The condition that resolves the `imports` of package.json to `src`, also in processes that tests start.
  ssr: { resolve: { conditions: ['byway-source', 'node'] } },
  test: {
    // Two cores are the usual machine. Servers and browsers in the tests need one of them.
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: {
          ...timeouts,
          name: 'unit',
          include: ['{test,examples}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.full.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          ...timeouts,
          name: 'full',
          include: ['{test,examples}/**/*.full.test.ts', 'test/properties/*.test.ts'],
          // `test/properties/runs.ts` reads this.
          env: { BYWAY_TEST: 'full' },
        },
      },
    ],
  },
})
