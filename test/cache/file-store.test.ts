import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileStore } from '../../src/cache/file-store.js'
import { describeStore } from '../contracts/store.js'

describeStore(
  'fileStore',
  async () => {
    const directory = await mkdtemp(join(tmpdir(), 'byway-store-'))
    return {
      store: fileStore(directory),
      again: () => fileStore(directory),
      lose: () => rm(join(directory, 'marks'), { recursive: true, force: true }),
      close: () => rm(directory, { recursive: true, force: true }),
    }
  },
  { lease: true },
)
