import { fileURLToPath } from 'node:url'
import openapiTS, { astToString } from 'openapi-typescript'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'
import { openapi } from '../../src/openapi/index.js'
import { app, options } from './fixtures.js'

const pathOf = (name: string): string => fileURLToPath(new URL(`client/${name}`, import.meta.url))

/** Returns TypeScript 6's errors in `calls.ts`, with the types that openapi-typescript generates as `paths.ts`. */
async function check(): Promise<readonly string[]> {
  const blob = ts.factory.createTypeReferenceNode('Blob')
  const types = await openapiTS(openapi(app, options) as never, {
    defaultNonNullable: false,
    transform: ({ format }) => (format === 'binary' ? blob : undefined),
  })
  const compilerOptions: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2022,
    lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'],
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: true,
    noEmit: true,
  }
  const host = ts.createCompilerHost(compilerOptions)
  const { readFile, fileExists } = host
  const paths = pathOf('paths.ts')
  host.fileExists = (file) => file === paths || fileExists(file)
  host.readFile = (file) => (file === paths ? astToString(types) : readFile(file))
  const program = ts.createProgram([paths, pathOf('calls.ts')], compilerOptions, host)
  return ts.getPreEmitDiagnostics(program).map(({ file, start = 0, messageText }) => {
    const line = file && file.getLineAndCharacterOfPosition(start).line + 1
    return `${file?.fileName.split('/').at(-1)}:${line} ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}

describe('openapi() with openapi-typescript', () => {
  it('generates types that accept valid calls and reject invalid ones in TypeScript 6', async () => {
    expect(ts.version).toMatch(/^6\./)
    expect(await check()).toEqual([])
  })

  it('generates types for openapi-fetch calls that the app handles', async () => {
    // A computed name, because the compiler cannot resolve the generated types that this file imports.
    const { calls } = (await import(pathOf('calls.ts'))) as {
      calls: (fetch: (request: Request) => Promise<Response>) => Promise<object>
    }
    expect(await calls(async (request) => app.fetch(request))).toEqual({
      listed: [200, ['a', 'b'], 3, undefined],
      rejected: [400, ['query/page']],
      added: [201, 'cup'],
      taken: [409, 'https://errors.example/taken'],
      anonymous: 401,
      found: [200, 5, '1970-01-01T00:00:00.000Z'],
      missing: [404, 'no'],
      invalid: 404,
      removed: 204,
      files: '["a b","c"]',
      pages: ['[]', '["a"]'],
      photo: [200, '{"alt":"A","size":3,"city":"Rome"}'],
      subscribed: '{"name":"Ada","age":36}',
      hook: 'ping',
      said: 'b',
      silent: [200, 0],
    })
  })
})
