import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { writeClient } from '../../src/codegen/client.js'
import { writeTypes } from '../../src/codegen/types.js'
import { check } from './checks.js'

const here = fileURLToPath(new URL('.', import.meta.url))
const root = join(here, '../..')
const generated = join(here, '.generated')
const zoo = join(here, 'zoo.ts')

const compilers = ['typescript-5', 'typescript', '@typescript/native']
const run = promisify(execFile)

/** What a compiler has against a project, in this folder's own settings or those given. */
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
  rmSync(generated, { recursive: true, force: true })
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
}, 60_000)
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
// Those apart whose types have no end, which are compared by what fits, and those that have symbols of their own.
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
  it.each(compilers)('gives every call the types that it has with typeof app, as %s sees them', async (compiler) => {
    writeFileSync(join(generated, name, 'equal.ts'), comparison(imports))
    expect(await compile(compiler, join(generated, name))).toBe('')
  })

  it('gives calls that do what they do with the app itself', async () => {
    const seen = await (await load(name))()
    expect(seen).toEqual(await check())
    expect(seen).toMatchObject({ plain: { text: 'a' }, events: [1, 2], form: { photo: { text: 'x' } }, me: 401 })
  })
})
