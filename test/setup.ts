import { vi } from 'vitest'

// Vitest's default is one second, which is too short on a busy machine. A longer limit costs no time if the condition holds.
const timeout = 60_000

const { waitFor, waitUntil } = vi
vi.waitFor = (check, options) => waitFor(check, { ...(typeof options === 'object' ? options : {}), timeout })
vi.waitUntil = (check, options) => waitUntil(check, { ...(typeof options === 'object' ? options : {}), timeout })
