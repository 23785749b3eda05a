import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 20_000,
    // Two cores are the usual machine; hosts and browsers in the tests want one of them.
    maxWorkers: 2,
    // Node 20's own fetch sometimes writes on into the FormData body of a Request that a test made, after that body was
    // cancelled at its limit. Bodies from a socket are not made that way; nothing else is let through.
    onUnhandledError(error): boolean | void {
      const isNodes =
        error['code'] === 'ERR_INVALID_STATE' && /^ +at node:internal\/deps\/undici/m.test(error.stack ?? '')
      if (isNodes && process.versions.node.startsWith('20.') && !/\/src\/|\/dist\//.test(error.stack ?? ''))
        return false
    },
  },
})
