import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** The items of a test file that imports this before the app. They are in a directory of their own. */
export const directory = mkdtempSync(join(tmpdir(), 'byway-items-'))
process.env['ITEMS_DATA'] = directory

export const removeDirectory = (): void => rmSync(directory, { recursive: true, force: true })
