import { defineConfig } from 'vitest/config'
import { embed } from './embed.js'

export default defineConfig({
  plugins: [embed()],
  // The condition that resolves the `imports` of package.json to `src`, also in processes that tests start.
  ssr: { resolve: { conditions: ['byway-source', 'node'] } },
  test: {
    // Two cores are the usual machine. Servers and browsers in the tests need one of them.
    maxWorkers: 2,
    // A test fails because of an assertion. Timeouts only end a test that hangs: a busy machine can take long.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 60_000 } },
    setupFiles: 'test/setup.ts',
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['{test,examples}/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/*.full.test.ts'],
        },
      },
      {
        extends: true,
        test: {
          name: 'full',
          include: ['{test,examples}/**/*.full.test.ts', 'test/properties/*.test.ts'],
          // `test/properties/runs.ts` reads this.
          env: { BYWAY_TEST: 'full' },
        },
      },
    ],
  },
})
