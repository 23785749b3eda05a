// The built package's types, as other packages compile them: with their own options, declarations, and copies of byway.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const root = new URL('..', import.meta.url).pathname
const require = createRequire(import.meta.url)
const folder = mkdtempSync(join(root, 'test/.declarations-'))
const compilers = ['typescript-5', 'typescript'] as const

const app = `import { bytes, form, generateStaticParams, middleware, route, router, stream, text } from 'byway'
import { createCache } from 'byway/cache'
import { cookies, cors, timeout } from 'byway/middleware'
import * as reply from 'byway/reply'
import { z } from 'zod'
export const cache = createCache()
export interface User { id: string }
export const session = middleware(async (request, context, next) => {
  if (!request.headers.has('authorization')) return reply.unauthorized()
  return next({ user: { id: 'a' } as User })
})
export const jar = cookies()
export const authed = route.use(session)
export const v1 = authed.prefix('/v1/[org]', { params: z.object({ org: z.coerce.number() }) }).env<{ KEY: string }>()
const Item = z.object({ id: z.string(), n: z.number().optional() })
export const plain = route('/plain').get(() => ({ ok: true }))
export const nothing = route('/nothing').post(() => undefined)
export const item = authed('/items/[id]')
  .use(cache({ revalidate: 60, tags: ({ params }) => [params.id] }))
  .get({ response: Item }, (request, { params }) => (params.id === 'x' ? reply.notFound() : { id: params.id }))
  .use(cookies())
  .post({ body: Item, query: z.object({ q: z.string() }) }, (request, { body, query, cookies }) => ({ ...body, ...query, c: cookies.has('a') }))
export const org = v1('/x/[id]', { params: z.object({ id: z.string().transform(Number) }) }).get((request, { params, env }) => ({ ...params, key: env.KEY }))
export const bodies = route('/bodies')
  .post({ body: form(Item) }, (request, { body }) => body.id)
  .put({ body: text() }, (request, { body }) => body)
  .patch({ body: bytes() }, (request, { body }) => body.byteLength)
  .query({ body: stream('video/*') }, () => reply.ndjson([1, 2]))
export const listed = route('/listed/[slug]', { params: generateStaticParams(() => [{ slug: 'a' }]) })
  .use(timeout(5_000))
  .get(() => reply.problem(409, { extra: 1 }))
export const app = router({ plain, nothing, item, org, bodies, listed }, { use: [cors({ origin: '*' })] })
`

const client = `import { createClient } from 'byway/client'
import type { app } from '../server/app.js'
export const api = createClient<typeof app>({ baseUrl: 'http://x' })
export const plain = await api('/plain').get()
export const item = await api('/items/[id]').get({ params: { id: 'a' } })
export const posted = await api('/items/[id]').post({ params: { id: 'a' }, body: { id: 'a' }, query: { q: 'x' } })
export const nothing = await api('/nothing').post()
export const org = await api('/v1/[org]/x/[id]').get({ params: { org: 5, id: '5' } })
export const formed = await api('/bodies').post({ form: { id: 'a' } })
export const texted = await api('/bodies').put({ text: 'a' })
export const queried = await api('/bodies').query({ stream: new Blob([]) })
export const listed = await api('/listed/[slug]').get({ params: { slug: 'a' } })
export const getItem = (id: string) => api('/items/[id]').get({ params: { id } })
export const itemApi = api('/items/[id]')
type Equal<a, b> = (<t>() => t extends a ? 1 : 2) extends <t>() => t extends b ? 1 : 2 ? true : false
export const checks: [
  Equal<typeof plain.status, 200>, Equal<typeof plain.data, { ok: true }>,
  Equal<typeof item.status, 200 | 401 | 404>, Equal<typeof posted.status, 200 | 400 | 401 | 413 | 415>,
  Equal<typeof nothing.status, 204>, Equal<typeof org.status, 200 | 401 | 404>,
  Equal<typeof formed.status, 200 | 400 | 413 | 415>, Equal<typeof queried.status, 200 | 400 | 413 | 415>,
  Equal<typeof listed.status, 404 | 409 | 503>,
] = [true, true, true, true, true, true, true, true, true]
`

const options = {
  target: 'es2022',
  module: 'nodenext',
  strict: true,
  declaration: true,
  skipLibCheck: false,
  types: ['node'],
  lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
}

/** A package with its own copy of byway. */
function writePackage(name: string, files: Record<string, string>): void {
  const to = join(folder, name)
  mkdirSync(join(to, 'node_modules/byway'), { recursive: true })
  cpSync(join(root, 'dist'), join(to, 'node_modules/byway/dist'), { recursive: true })
  // Tests run with the condition `byway-source`, but a package has no sources.
  const built = readFileSync(join(root, 'package.json'), 'utf8').replaceAll('byway-source', 'unused')
  writeFileSync(join(to, 'node_modules/byway/package.json'), built)
  for (const dependency of ['zod', '@types', 'undici-types', 'cookie-es', 'srvx', '@fastify'])
    symlinkSync(join(root, 'node_modules', dependency), join(to, 'node_modules', dependency))
  const dependencies = { byway: '*', zod: '*' }
  writeFileSync(join(to, 'package.json'), JSON.stringify({ name, type: 'module', dependencies }))
  for (const [file, text] of Object.entries(files)) writeFileSync(join(to, file), text)
}

interface Compiled {
  readonly errors: readonly string[]
  /** The emitted declarations, by the end of the file's name. */
  readonly declarations: ReadonlyMap<string, string>
}

function compile(compiler: (typeof compilers)[number], files: readonly string[], more: object = {}): Compiled {
  const api = require(compiler) as typeof ts
  const { options: parsed } = api.convertCompilerOptionsFromJson({ ...options, outDir: 'out', ...more }, folder)
  const program = api.createProgram(
    files.map((file) => join(folder, file)),
    parsed,
  )
  const declarations = new Map<string, string>()
  const { diagnostics } = program.emit(undefined, (file, text) => {
    if (file.endsWith('.d.ts')) declarations.set(file.slice(file.lastIndexOf('/') + 1), text)
  })
  const errors = [...api.getPreEmitDiagnostics(program), ...diagnostics].map(
    ({ file, messageText }) =>
      `${file?.fileName.slice(folder.length)}: ${api.flattenDiagnosticMessageText(messageText, '\n')}`,
  )
  return { errors, declarations }
}

beforeAll(() => {
  writePackage('server', { 'app.ts': app })
  writePackage('client', { 'api.ts': client })
  writePackage('one', { 'app.ts': app, 'api.ts': client.replace('../server/app.js', './app.js') })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe.each(compilers)('the types of the package, compiled with %s', (compiler) => {
  it('are compatible with a client that uses another copy, with and without exactOptionalPropertyTypes', () => {
    for (const exactOptionalPropertyTypes of [false, true])
      expect(compile(compiler, ['server/app.ts', 'client/api.ts'], { exactOptionalPropertyTypes }).errors).toEqual([])
  })

  it('need no annotations in a package with declaration: true', () => {
    const { errors, declarations } = compile(compiler, ['one/app.ts', 'one/api.ts'])
    expect(errors).toEqual([])
    expect(declarations.get('app.d.ts')).toContain('import("byway/types").')
  })

  it('can be read from the declarations of a built package', () => {
    const { declarations } = compile(compiler, ['one/app.ts'])
    mkdirSync(join(folder, 'one/built'), { recursive: true })
    writeFileSync(join(folder, 'one/built/app.d.ts'), declarations.get('app.d.ts')!)
    writeFileSync(join(folder, 'one/built/api.ts'), client.replace('../server/app.js', './app.js'))
    expect(compile(compiler, ['one/built/api.ts']).errors).toEqual([])
  })

  it('compile without the dom library', () => {
    expect(compile(compiler, ['one/app.ts', 'one/api.ts'], { lib: ['es2023'] }).errors).toEqual([])
  })
})

describe('a route of another copy of byway', () => {
  it('runs in a router, and an error is reported once', async () => {
    const load = (path: string) => import(pathToFileURL(join(folder, path)).href)
    const { router } = (await load('server/node_modules/byway/dist/index.js')) as typeof import('../src/index.js')
    const { route } = (await load('client/node_modules/byway/dist/index.js')) as typeof import('../src/index.js')
    const reply = (await load(
      'client/node_modules/byway/dist/replies/index.js',
    )) as typeof import('../src/replies/index.js')
    const errors: unknown[] = []
    const a = route('/a')
      .get(() => ({ ok: true }))
      .put(() => {
        throw new RangeError('broken')
      })
      .delete(() => {
        throw reply.notFound()
      })
    const { fetch } = router({ a }, { onError: (error) => errors.push(error) })
    const send = async (method: string): Promise<Response> => fetch(new Request('http://test/a', { method }))
    expect(await (await send('GET')).json()).toEqual({ ok: true })
    expect((await send('DELETE')).status).toBe(404)
    expect(errors).toEqual([])
    expect((await send('PUT')).status).toBe(500)
    expect(errors).toEqual([new RangeError('broken')])
  })
})

describe('the editor', () => {
  // A file with marks: `/*?*/` before a name to hover, `/*|*/` where names are completed.
  const text = `import { route } from 'byway'
import { createClient, type Client } from 'byway/client'
import { z } from 'zod'
import type { app } from './app.js'
const Kind = z.object({ kind: z.enum(['aa', 'bb']) })
route('/a').post({ /*|*/ })
route('/a').post({ query: Kind, /*|*/ })
route('/a').get({ response: Kind }, () => ({ kind: '/*|*/' }))
route('/a')./*?*/get(() => 1)
route('/a')./*?*/post({ query: Kind }, () => 1)
const api = createClient<typeof app>()
const listed = await api('/listed/[slug]')./*?*/get({ params: { slug: 'x' } })
if (listed.status === 409) { const { /*?*/error } = listed }
const /*?*/item = await api('/items/[id]').get({ params: { id: 'x' } })
const itemCalls = /*?*/api('/items/[id]')
const /*?*/annotated: Client<typeof app> = api
api('/plain').post()
route('/b').get({ response: Kind }, () => ({ kind: 'cc' /* as an expression */ }))
route('/b').get({ response: Kind }, (): z.input<typeof Kind> => {
  return { kind: 'cc' /* with a result */ }
})
`
  const marks = [...text.matchAll(/\/\*[?|]\*\//g)].map(({ index }) => index + 5)
  let service: ts.LanguageService
  let file: string

  beforeAll(() => {
    const api = require('typescript-5') as typeof ts
    file = join(folder, 'one/editor.ts')
    writeFileSync(file, text)
    const { options: settings } = api.convertCompilerOptionsFromJson({ ...options, noEmit: true }, folder)
    service = api.createLanguageService({
      getCompilationSettings: () => settings,
      getScriptFileNames: () => [file],
      getScriptVersion: () => '1',
      getScriptSnapshot: (name) =>
        api.sys.fileExists(name) ? api.ScriptSnapshot.fromString(readFileSync(name, 'utf8')) : undefined,
      getCurrentDirectory: () => folder,
      getDefaultLibFileName: api.getDefaultLibFilePath,
      fileExists: api.sys.fileExists,
      readFile: api.sys.readFile,
      directoryExists: api.sys.directoryExists,
      getDirectories: api.sys.getDirectories,
    })
  })

  const complete = (mark: number) =>
    service.getCompletionsAtPosition(file, marks[mark]!, {})?.entries.map(({ name }) => name)
  const hover = (mark: number) => {
    const { displayParts = [], documentation = [] } = service.getQuickInfoAtPosition(file, marks[mark]!)!
    const join = (parts: readonly ts.SymbolDisplayPart[]): string =>
      parts
        .map(({ text }) => text)
        .join('')
        .replace(/\s+/g, ' ')
    return { type: join(displayParts), documentation: join(documentation) }
  }

  const errors = () =>
    service.getSemanticDiagnostics(file).map(({ messageText, start = 0, length = 0 }) => ({
      message: typeof messageText === 'string' ? messageText : messageText.messageText,
      marked: text.slice(start, start + length),
    }))

  it('completes the keys of an operation before the handler is written', () => {
    expect(complete(0)).toEqual(['body', 'bodyLimit', 'headers', 'openapi', 'query', 'response', 'sensitive'])
    expect(complete(1)).toEqual(['body', 'bodyLimit', 'headers', 'openapi', 'response', 'sensitive'])
  })

  it('completes the values of a declared response', () => {
    expect(complete(2)).toEqual(['aa', 'bb'])
  })

  it('shows the documentation of methods', () => {
    expect(hover(3).documentation).toMatch(/^Declares an operation without inputs/)
    expect(hover(4).documentation).toMatch(/^Declares an operation with inputs/)
    expect(hover(5).documentation).toMatch(/^Sends a GET request/)
  })

  it('shows the properties of a narrowed error, and no server types in a result', () => {
    expect(hover(6).type).toBe('const error: Problem<409> & { extra: number; }')
    expect(hover(7).type).not.toMatch(/Context|Reply|Continued|Route/)
  })

  it('shows calls of a client and its routes, and no server types', () => {
    expect(hover(8).type).toMatch(/^const api: ClientOf <"\/items\/\[id\]">\(.*=> ClientRoute<.*Call<.*Success<200, /)
    expect(hover(9).type).toMatch(
      /^const annotated: ClientOf<\{ readonly "\/plain": \{ readonly GET: Call<\{\}, Success<200, /,
    )
    for (const mark of [8, 9]) expect(hover(mark).type).not.toMatch(/Context|Reply|Continued|Router|Zod/)
    const { message } = errors().find(({ marked }) => marked === 'post')!
    expect(message).toMatch(/^Property 'post' does not exist on type 'ClientRoute<"\/plain", \{ readonly GET: Call</)
    expect(message).not.toMatch(/Context|Continued|Zod/)
  })

  it('marks the wrong value in a response, in an expression and in a handler with a result type', () => {
    const kinds = errors().filter(({ message }) => message.includes('"cc"'))
    expect(kinds).toHaveLength(2)
    for (const kind of kinds)
      expect(kind).toEqual({ marked: 'kind', message: `Type '"cc"' is not assignable to type '"aa" | "bb"'.` })
  })
})
