import { fileURLToPath } from 'node:url'

export default {
  // byway is linked from the repository.
  turbopack: { root: fileURLToPath(new URL('../..', import.meta.url)) },
  experimental: { authInterrupts: true },
}
