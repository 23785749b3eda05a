import { fileURLToPath } from 'node:url'
import { openDatabase, type Database } from './database.js'

/** The catalog that the routes use, in `.data` next to this file unless `ITEMS_DATA` names a directory. */
export const db: Database = await openDatabase(
  process.env['ITEMS_DATA'] ?? fileURLToPath(new URL('.data', import.meta.url)),
)
