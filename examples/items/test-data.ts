import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A directory of its own for a test file that imports this before the app, so that nobody's items are touched. */
export const directory = mkdtempSync(join(tmpdir(), 'byway-items-'))
process.env['ITEMS_DATA'] = directory

export const removeDirectory = (): void => rmSync(directory, { recursive: true, force: true })
