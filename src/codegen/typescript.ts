import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type ts from 'typescript'

/** The compiler's API, as it is where the app is. */
export type TypeScript = typeof ts

/** What stands in the way of writing a file. The message is for the person at the command line. */
export class CodegenError extends Error {
  override readonly name = 'CodegenError'
}

// Microsoft publishes the API of version 6 under the second name, for those who have version 7 under the first.
const names = ['typescript', '@typescript/typescript6']

/**
 * The TypeScript of a folder: its own, or else the one that stands beside byway (`fallback`).
 *
 * @throws CodegenError if there is none that has an API.
 */
export function loadTypeScript(folder: string, fallback: string = dirname(fileURLToPath(import.meta.url))): TypeScript {
  let found: string | undefined
  for (const from of [folder, fallback]) {
    const require = createRequire(join(from, 'any.js'))
    for (const name of names) {
      const api = load(require, name)
      if (typeof api?.createProgram === 'function' && isAtLeast(api.versionMajorMinor, 5, 9)) return api
      if (api?.version) found ??= api.version
    }
  }
  throw new CodegenError(
    found === undefined
      ? `types are read by TypeScript, which is not installed where ${folder} finds it: npm install --save-dev typescript`
      : isAtLeast(found, 7, 0)
        ? `TypeScript ${found} has no API yet to read types with: npm install --save-dev @typescript/typescript6, beside it`
        : `TypeScript ${found} is too old to read these types: 5.9 is the least`,
  )
}

function load(require: NodeJS.Require, name: string): TypeScript | undefined {
  try {
    return require(name) as TypeScript
  } catch {
    return undefined
  }
}

function isAtLeast(version: string, major: number, minor: number): boolean {
  const [first = 0, second = 0] = version.split('.').map(Number)
  return first > major || (first === major && second >= minor)
}
