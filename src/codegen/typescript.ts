import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type ts from 'typescript'

/** The API of the app's TypeScript. */
export type TypeScript = typeof ts

/** A file that cannot be written. The message is for the person at the command line. */
export class CodegenError extends Error {
  override readonly name = 'CodegenError'
}

// Packages with the compiler's API. Version 7 has none yet, and the second package is version 6 for its users.
const names = ['typescript', '@typescript/typescript6']

/**
 * Loads the TypeScript that a folder resolves, or else the one that byway resolves (`fallback`).
 *
 * @throws CodegenError if neither has an API.
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
      ? `TypeScript is not installed for ${folder}; run: npm install --save-dev @typescript/typescript6`
      : isAtLeast(found, 7, 0)
        ? `TypeScript ${found} has no API to read types with; also run: npm install --save-dev @typescript/typescript6`
        : `TypeScript ${found} is too old; install 5.9 or newer`,
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
