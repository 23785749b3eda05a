import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { writeClient } from '../../src/codegen/client.js'
import { writeTypes } from '../../src/codegen/types.js'
import { CodegenError, loadTypeScript } from '../../src/codegen/typescript.js'
import { check } from './checks.js'

// The compilers are slow on a busy machine.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 })

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '../..')
// Each run has its own folder, because runs can be concurrent.
const generated = mkdtempSync(join(here, '.generated-'))
const zoo = join(here, 'zoo.ts')

const compilers = ['typescript-5', 'typescript', '@typescript/native']
const run = promisify(execFile)

/** Returns the errors that a compiler prints for a project. */
async function compile(compiler: string, project: string): Promise<string> {
  const tsc = join(root, 'node_modules', compiler, 'bin/tsc')
  return run(process.execPath, [tsc, '-p', project, '--pretty', 'false']).then(
    ({ stdout }) => stdout,
    (error: { stdout: string }) => error.stdout,
  )
}

function writeProject(name: string, files: Record<string, string>, compilerOptions: object = {}): string {
  const folder = join(generated, name)
  mkdirSync(folder, { recursive: true })
  const config = { extends: '../../tsconfig.json', compilerOptions, include: ['*.ts'] }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(config))
  for (const [file, text] of Object.entries(files)) writeFileSync(join(folder, file), text)
  return folder
}

const checks = readFileSync(join(here, 'checks.ts'), 'utf8')
const warnings: string[] = []
const onWarning = (message: string): void => void warnings.push(message)
let types = ''
let client = ''

beforeAll(() => {
  types = writeTypes(zoo, { onWarning })
  client = writeClient(zoo, { onWarning })
  writeProject('types', {
    'app.api.d.ts': types,
    'client.ts': `import { createClient } from '../../../../src/client/index.js'
import app from '../../zoo.js'
import type App from './app.api.js'
export const api = createClient<App>({ fetch: app.fetch })
`,
    'checks.ts': checks,
  })
  writeProject('client', {
    'api.ts': client,
    'client.ts': `import app from '../../zoo.js'
import { createClient } from './api.js'
export const api = createClient({ fetch: app.fetch })
`,
    'checks.ts': checks,
  })
})
afterAll(() => rmSync(generated, { recursive: true, force: true }))

const load = async (name: string): Promise<typeof check> =>
  ((await import(pathToFileURL(join(generated, name, 'checks.ts')).href)) as { check: typeof check }).check

// Every call that the app has, compared to the last property: what is left of a type when its parts are put together.
const comparison = (imports: string): string => `import type { Calls } from 'byway/client'
import type app from '../../zoo.js'
${imports}
type Known = string | number | boolean | bigint | null | undefined | Blob | FormData | ReadableStream | Uint8Array | Response | Date
type Flat<value> = unknown extends value ? value : value extends Known ? value : value extends AsyncIterable<infer item> ? [Flat<item>] : { [key in keyof value]: Flat<value[key]> }
type Equal<one, other> = (<value>() => value extends one ? 1 : 2) extends <value>() => value extends other ? 1 : 2 ? true : false
type Compared<one, other> = {
  [pattern in keyof one]: pattern extends keyof other
    ? { [key in keyof one[pattern] | keyof other[pattern]]: key extends keyof one[pattern] & keyof other[pattern] ? Equal<Flat<one[pattern][key]>, Flat<other[pattern][key]>> : unknown extends one[pattern][key & keyof one[pattern]] ? true : 'absent' }
    : 'absent'
}
// Without recursive types, which are compared by assignability, and without brands, which have symbols of their own.
type Endless = '/category' | '/json' | '/tree'
type Left = Omit<Calls<typeof app>, '/brands' | Endless>
type Right = Omit<App, '/brands' | Endless>
export const forth = (one: Pick<Calls<typeof app>, Endless>): Pick<App, Endless> => one
export const back = (other: Pick<App, Endless>): Pick<Calls<typeof app>, Endless> => other
// Those that differ, by pattern.
type Different<table> = { [pattern in keyof table as table[pattern] extends { [key in keyof table[pattern]]-?: true } ? never : pattern]: table[pattern] }
export const none: Different<Compared<Left, Right>> = {}
export const same: Equal<keyof Left, keyof Right> = true
// The comparison itself tells types apart.
export const told: Different<Compared<{ a: { b: { c: 1 } } }, { a: { b: { c?: 1 } } }>> = { a: { b: false } }
export const any: Different<Compared<{ a: { b: { c: any } } }, { a: { b: { c: 1 } } }>> = { a: { b: false } }
`

describe.each([
  ['writeTypes', 'types', "import type { App } from './app.api.js'"],
  ['writeClient', 'client', "import type { App } from './api.js'"],
])('%s', (_, name, imports) => {
  it.each(compilers)('writes the types of typeof app for every call, compared by %s', async (compiler) => {
    writeFileSync(join(generated, name, 'equal.ts'), comparison(imports))
    expect(await compile(compiler, join(generated, name))).toBe('')
  })

  it('writes types whose calls return the same results as calls with typeof app', async () => {
    const seen = await (await load(name))()
    expect(seen).toEqual(await check())
    expect(seen).toMatchObject({ plain: { text: 'a' }, events: [1, 2], form: { photo: { text: 'x' } }, me: 401 })
  })
})

// Strict compiler flags, in addition to `strict`.
const careful = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  isolatedModules: true,
  isolatedDeclarations: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  noImplicitOverride: true,
  noImplicitReturns: true,
  noPropertyAccessFromIndexSignature: true,
  declaration: true,
  noEmit: true,
  skipLibCheck: false,
  target: 'es2022',
}

describe('writeClient', () => {
  it.each(compilers.flatMap((compiler) => [true, false].map((dom) => [compiler, dom] as const)))(
    'writes a module that %s compiles with every strict flag, with the DOM types: %s',
    async (compiler, dom) => {
      const libraries = dom
        ? { lib: ['es2022', 'dom', 'dom.iterable'], types: [] }
        : { lib: ['es2022'], types: ['node'] }
      const flags = { ...careful, ...libraries, skipLibCheck: !dom, paths: {}, rootDir: '.' }
      const folder = writeProject(`alone-${dom}`, { 'api.ts': client }, flags)
      expect(await compile(compiler, folder)).toBe('')
    },
  )

  it('imports nothing, names the command that wrote it, and passes the linter', async () => {
    expect(client).not.toMatch(/^\s*(?:import|export .*\bfrom)\b|\brequire\(/m)
    expect(client).toMatch(/^\/\/ Written by `byway client zoo\.ts`: run it again when the routes change\./)
    expect(client).not.toContain('typeof app')
    const folder = writeProject('lint', { 'api.ts': client.replace('/* eslint-disable */', '') })
    const oxlint = join(root, 'node_modules/oxlint/bin/oxlint')
    const { stdout } = await run(process.execPath, [
      oxlint,
      '--no-ignore',
      '-A',
      'all',
      '-D',
      'correctness',
      join(folder, 'api.ts'),
    ])
    expect(stdout).toContain('0 errors')
  })

  it('exports the same names as byway/client', async () => {
    const module = (await import(pathToFileURL(join(generated, 'client/api.ts')).href)) as object
    expect(Object.keys(module).sort()).toEqual(['UnexpectedResponse', 'createClient', 'retry'])
    const types = [
      'Call',
      'CallOptions',
      'Client',
      'ClientOptions',
      'Failure',
      'Problem',
      'Retry',
      'RetryOptions',
      'Success',
    ]
    const text = `import type { App, UnexpectedResponse, ${types.join(', ')} } from '../client/api.js'
export type All = [App, Call<1, 2>, CallOptions, Client<App>, ClientOptions<App>, Failure<1, 2>, Problem, Retry, RetryOptions, Success<1, 2>, UnexpectedResponse['status']]
`
    expect(await compile('@typescript/native', writeProject('names-of-types', { 'all.ts': text }))).toBe('')
  })
})

describe('the written types', () => {
  const write = (name: string, text: string, compilerOptions: object = {}, exportName = 'default'): string =>
    writeTypes(join(writeProject(name, { 'app.ts': text }, compilerOptions), 'app.ts'), { onWarning, exportName })
  const body = (type: string, before = ''): string => `import { z } from 'zod'
import { route, router } from '../../../../src/index.js'
${before}
export default router({ one: route('/one').post({ body: z.custom<${type}>() }, () => 'x') })`

  it('are the same for each run, and cause no warnings', () => {
    expect(writeTypes(zoo, { onWarning })).toBe(types)
    expect(warnings).toEqual([])
  })

  it('are sorted, and import only from the client', () => {
    expect([...types.matchAll(/^import .*$/gm)].map(([line]) => line)).toEqual([
      "import type { Call, Failure, Problem, Success } from 'byway/client'",
    ])
    const patterns = [...types.matchAll(/^ {2}'(.*)': \{$/gm)].map(([, pattern]) => pattern!)
    expect(patterns).toEqual([...patterns].sort())
    expect(patterns).toContain('/maybe/[[...path]]')
    expect(types).toContain(`  '/v1/me': {
    GET: Call<
      {},
      | Success<200, { user: string }>
      | Failure<401, Problem<401>>
      | Failure<503, Problem<503> & { readonly type: 'https://errors.example/closed'; until: `)
    expect(types).toContain("'~params'?: { id: number }")
    expect(types).toContain('/** For people. */\n')
    expect(types).toMatch(/^type Tree = \{$/m)
    // A `File` interface of the app is not the global `File`.
    expect(types).toContain('{ files: Files }')
    expect(types).toContain('readonly form: FormData | { photo: File; ')
  })

  it('contain every kind of type in full', () => {
    const text = write(
      'kinds',
      body(
        `{
  level: Level
  word: Word
  one: Word.a
  pair: readonly [first: string, second?: number, ...rest: boolean[]]
  plain: [string, number?]
  map: Record<'x' | 'y', number>
  version: \`v\${number}.\${'a' | 'b'}\\\`\`
  upper: Uppercase<string>
  big: 10
  less: -1 | 10 | 9
  "it's": string
  lists: readonly (string | null)[]
  nested: (readonly string[])[]
  read: { get only(): string; get both(): string; set both(value: string) }
  index: { readonly [key: string]: number | boolean; a: number }
  loose: { a: string } & { [key: \`x-\${string}\`]: number }
  tagged: Tagged
  own: string & { readonly __own: 'Own' }
  part: Partial<{ a: 1; readonly b: 2 }>
  any: any
  bool: boolean | 'x'
  list: WeakSet<Date>
  empty: {}
  never: never
  nothing?: never
  /**
   * Two lines,
   * told.
   */
  told: object
}`,
        `enum Level { low = 1, high = 5 }
enum Word { a = 'A', b = 'B' }
declare const tag: unique symbol
type Tagged = string & { readonly [tag]: 'Tagged' }`,
      ),
    )
    for (const line of [
      'level: 1 | 5',
      "word: 'A' | 'B'",
      "one: 'A'",
      'pair: readonly [first: string, second?: number, ...rest: boolean[]]',
      'plain: [string, number?]',
      'map: { x: number; y: number }',
      'upper: Uppercase<string>',
      'big: 10',
      'less: -1 | 9 | 10',
      "'it\\'s': string",
      'lists: readonly (string | null)[]',
      'nested: (readonly string[])[]',
      'read: { readonly only: string; both: string }',
      'index: { readonly [key: string]: boolean | number; a: number }',
      'loose: { [key: `x-${string}`]: number } & { a: string }',
      "tagged: string & { readonly [tag]: 'Tagged' }",
      "own: string & { readonly __own: 'Own' }",
      'part: { a?: 1; readonly b?: 2 }',
      'any: any',
      "bool: 'x' | boolean",
      'list: WeakSet<Date>',
      'empty: {}',
      'never: never',
      'nothing?: never',
      'told: object',
    ])
      expect(text).toContain(`          ${line}\n`)
    expect(text).toContain('version: `v${number}.a\\`` | `v${number}.b\\``\n')
    expect(text).toContain('/**\n           * Two lines,\n           * told.\n           */\n')
    expect(text).toContain('\ndeclare const tag: unique symbol\n')
    expect(warnings).toEqual([])
  })

  it('are unknown for a type that JSON cannot represent, with a warning that names its path', () => {
    const text = write(
      'unknown',
      body(
        '{ run: () => void; deep: { secret: WeakSet<Secret>; hash: WeakSet<Hash> }[]; grows: Grow<string>; either: string | symbol }',
        `class Secret { private x = 1; y = this.x }
class Hash { #z = 1; y = this.#z }
interface Grow<value> { next: Grow<value[]> }`,
      ),
    )
    expect(text).toContain('run: unknown')
    expect(text).toContain('deep: { secret: WeakSet<unknown>; hash: WeakSet<unknown> }[]')
    expect(text).toContain('either: unknown')
    const told = warnings.splice(0).map((warning) => warning.replace(/^.*app\.ts: /, ''))
    expect(told).toEqual([
      'POST /one > body > run is written as unknown: a function is not a type of data',
      'POST /one > body > deep > secret is written as unknown: the class Secret has private members',
      'POST /one > body > deep > hash is written as unknown: the class Hash has private members',
      expect.stringMatching(/^POST \/one > body > grows( > next)+ is written as unknown: the type has no end$/),
      'POST /one > body > either is written as unknown: symbol is not a type of data',
    ])
  })

  it('allow undefined for optional properties of inputs without exactOptionalPropertyTypes', () => {
    const text = body('{ a?: string; b?: string | undefined }').replace("() => 'x'", '(_request, { body }) => body')
    const exact = write('exact', text, { exactOptionalPropertyTypes: true })
    expect(exact).toContain('readonly body: { a?: string; b?: string | undefined }')
    expect(exact).toContain('Success<200, { a?: string; b?: string }>')
    const lax = write('lax', text, { exactOptionalPropertyTypes: false })
    expect(lax).toContain('readonly body: { a?: string | undefined; b?: string | undefined }')
    expect(lax).toContain('Success<200, { a?: string; b?: string }>')
  })

  it('can be generated from JavaScript, and from a named export', () => {
    const folder = writeProject('script', {
      'app.js': body('{ a: 1 }')
        .replace('z.custom<{ a: 1 }>()', 'z.object({ a: z.number() })')
        .replace('default', 'const api =')
        .replace('const api = router', 'const api = router'),
    })
    const text = writeTypes(join(folder, 'app.js'), { exportName: 'api', onWarning })
    expect(text).toContain('POST: Call<\n      { readonly body: { a: number } },')
  })

  it('have declarations whose names differ from the names in the client', () => {
    const folder = writeProject('names', {
      'app.ts': body('Attempt', 'interface Attempt { inside: Attempt[] }'),
    })
    // A type without a name gets the name of its property, without characters that cannot start an identifier.
    const nameless = body('{ "2nd-step": Loop["loop"] }', 'interface Loop { loop: { again: Loop["loop"][] } }')
    expect(write('nameless', nameless)).toContain('\ntype NdStep = { again: NdStep[] }\n')
    const text = writeClient(join(folder, 'app.ts'), { onWarning })
    expect(text).toContain('\ntype Attempt2 = { inside: Attempt2[] }\n')
    expect(text.match(/^interface Attempt \{/gm)).toHaveLength(1)
  })
})

describe('errors', () => {
  const fail = (name: string, text: string, options: object = {}): string => {
    const folder = writeProject(name, { 'app.ts': text })
    try {
      writeTypes(join(folder, 'app.ts'), { onWarning, ...options })
    } catch (error) {
      expect(error).toBeInstanceOf(CodegenError)
      return (error as Error).message.replaceAll(folder, '')
    }
    throw new Error('it was written')
  }
  const start = `import { route, router } from '../../../../src/index.js'
export const one = router({ a: route('/a').get(() => 1) })
`

  it('name the missing file, export, router or configuration', () => {
    expect(() => writeTypes(join(generated, 'nowhere.ts'))).toThrow(/nowhere\.ts: no such file$/)
    expect(fail('missing', start)).toBe("/app.ts: there is no default export; --export can name 'one'")
    expect(fail('missing', start, { exportName: 'two' })).toBe(
      "/app.ts: there is no export 'two'; --export can name 'one'",
    )
    expect(fail('fetch', `${start}export default one.fetch`)).toBe(
      "/app.ts: the default export is not a router; export the value of router({ … }); --export can name 'one'",
    )
    expect(fail('any', "import { app } from './nowhere.js'\nexport default app")).toBe(
      '/app.ts: the default export has the type any; check that TypeScript finds its imports',
    )
    expect(fail('mistyped', `${start}export default {`)).toBe("/app.ts: '}' expected.")
    const file = join(generated, 'wrong.json')
    writeFileSync(file, '{ "compilerOptions": ')
    expect(fail('broken', `${start}export default one`, { tsconfig: file })).toContain(`${file}: `)
    expect(fail('broken', `${start}export default one`, { tsconfig: join(generated, 'no.json') })).toContain('no.json')
  })

  it('name the package to install if TypeScript is missing, too old or has no API', () => {
    const folder = mkdtempSync(join(tmpdir(), 'byway-'))
    // Each case has its own folder, because Node.js caches failed lookups.
    const project = (name: string, packages: Record<string, string>): string => {
      mkdirSync(join(folder, name, 'node_modules/@typescript'), { recursive: true })
      for (const [to, from] of Object.entries(packages))
        symlinkSync(join(root, 'node_modules', from), join(folder, name, 'node_modules', to))
      return join(folder, name)
    }
    const alone = (name: string, packages: Record<string, string>): (() => string) => {
      const from = project(name, packages)
      return () => loadTypeScript(from, from).versionMajorMinor
    }
    try {
      expect(alone('none', {})).toThrow(
        /^TypeScript is not installed for .*; run: npm install --save-dev @typescript\/typescript6$/,
      )
      const seven = { typescript: '@typescript/native' }
      expect(alone('seven', seven)).toThrow(
        /^TypeScript 7\.0\.2 has no API .*; also run: npm install --save-dev @typescript\/typescript6$/,
      )
      expect(alone('six beside', { ...seven, '@typescript/typescript6': 'typescript' })()).toBe('6.0')
      expect(alone('five', { typescript: 'typescript-5' })()).toBe('5.9')
      // TypeScript from the packages of byway.
      expect(loadTypeScript(project('elsewhere', seven)).versionMajorMinor).toBe('6.0')
      const old = project('old', {})
      mkdirSync(join(old, 'node_modules/typescript'))
      writeFileSync(
        join(old, 'node_modules/typescript/index.js'),
        "module.exports = { version: '5.8.3', versionMajorMinor: '5.8', createProgram() {} }",
      )
      expect(() => loadTypeScript(old, old)).toThrow(/^TypeScript 5\.8\.3 is too old; install 5\.9 or newer$/)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})
