import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

// A file imports from the rows above its own, and from its folder. Type imports count.
const rows = [
  [
    'pattern',
    'host',
    'options',
    'promise',
    'signal',
    'scope',
    'json',
    'jsonify',
    'null-object',
    'undeclared',
    'inputs/source',
    'headers/*',
    'documents/*',
    'compression/*',
    'redis/*',
  ],
  ['schema', 'signal-deno', 'signal-node'],
  ['response', 'notes', 'href', 'matcher'],
  ['problem', 'declaration', 'response-node'],
  ['app', 'reply'],
  ['exchange'],
  ['context', 'respond'],
  ['middleware', 'inputs/*', 'replies/*', 'paths/*'],
  ['prepare'],
  ['operation'],
  ['serve'],
  ['route', 'middleware/*', 'cache/*', 'webhooks/*'],
  ['router'],
  ['vercel/*'],
  ['client/*', 'jwt/*', 'og/*', 'otel/*', 'static/*', 'codegen/*', 'openapi/*', 'hosts/*', 'next/*', 'prerender/*'],
  // The docs page runs in a browser and takes only types from the other files.
  ['openapi/page/*'],
  ['cli/*'],
]

// Entry files only name symbols, and no file imports them.
const entries = [
  'index',
  'cache/index',
  'client/index',
  'documents/index',
  'jwt/index',
  'middleware/index',
  'next/index',
  'node',
  'openapi/index',
  'og/index',
  'otel/index',
  'replies/index',
  'static/index',
  'types',
  'vercel/index',
  'webhooks/index',
]

// The packages that a file can import. The core imports none.
const packages: Record<string, RegExp> = {
  'headers/cookie': /^cookie-es$/,
  'cache/stores/*': /^node:(?:crypto|fs\/promises|path)$/,
  'prerender/*': /^node:(?:fs\/promises|path)$/,
  // The build bundles the files next to it.
  'openapi/page/assets': /^openapi\/page\/[\w.]+\?text$/,
  'codegen/*': /^(?:node:(?:fs|module|path|url)|typescript)$/,
  'compression/codings-node': /^node:zlib$/,
  'inputs/multipart-node': /^@fastify\/busboy$/,
  'cli/*':
    /^(?:node:(?:child_process|events|fs|fs\/promises|module|path|readline\/promises|stream\/consumers|url|util)|commander|get-tsconfig|jiti)$/,
  'jwt/*': /^jose$/,
  'next/server': /^ua-parser-js$/,
  'og/render': /^(?:@resvg\/resvg-wasm|satori\/standalone)$/,
  'og/wasm': /\.wasm$/,
  'og/wasm-node': /^node:(?:fs\/promises|module)$/,
  'otel/*': /^@opentelemetry\/api$/,
  'static/*': /^node:(?:fs|fs\/promises|path|url)$/,
  'hosts/*': /^(?:node:(?:http2?|net|os|stream)|srvx\/node)$/,
}

const root = new URL('../src/', import.meta.url)

interface Import {
  readonly from: string
  readonly isTypeOnly: boolean
}

const files = new Map(
  readdirSync(root, { recursive: true })
    .map((path) => String(path).replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => [path.slice(0, -3), parse(path)]),
)

function parse(path: string): { readonly imports: readonly Import[]; readonly onlyExports: boolean } {
  const { statements } = ts.createSourceFile(path, readFileSync(new URL(path, root), 'utf8'), ts.ScriptTarget.Latest)
  const resolve = (specifier: string): string =>
    specifier.startsWith('.')
      ? posix.join(posix.dirname(path), specifier).replace(/\.js$/, '')
      : // A name of `imports` in package.json is the name of the default file.
        specifier.replace(/^#/, '')
  const imports = statements.flatMap((statement): Import[] => {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) return []
    if (!statement.moduleSpecifier) return []
    const from = resolve((statement.moduleSpecifier as ts.StringLiteral).text)
    if (ts.isExportDeclaration(statement)) return [{ from, isTypeOnly: statement.isTypeOnly }]
    const clause = statement.importClause
    const named = clause?.namedBindings
    const allTypes = !!named && ts.isNamedImports(named) && named.elements.every((element) => element.isTypeOnly)
    return [{ from, isTypeOnly: clause?.phaseModifier === ts.SyntaxKind.TypeKeyword || (!clause?.name && allTypes) }]
  })
  return {
    imports,
    onlyExports: statements.every((statement) => ts.isExportDeclaration(statement) && namesSymbols(statement)),
  }
}

const folderOf = (file: string): string => posix.dirname(file)
// The longest name in a row that matches a file: `cache/*` matches the files below `cache`, too.
const roomOf = (file: string): string | undefined =>
  rows
    .flat()
    .filter((name) => name === file || (name.endsWith('/*') && file.startsWith(name.slice(0, -1))))
    .sort((one, other) => other.length - one.length)[0]
const rowOf = (file: string): number => rows.findIndex((row) => row.includes(roomOf(file)!))
const inSrc = ({ from }: Import): boolean => files.has(from)

describe('src', () => {
  it('is read by this test, with its imports', () => {
    expect(files.size).toBeGreaterThan(20)
    expect(files.get('serve')!.imports.map(({ from }) => from)).toContain('matcher')
  })

  it('has a row for each file, and a file for each name in a row', () => {
    expect([...files.keys()].filter((file) => rowOf(file) === -1 && !entries.includes(file))).toEqual([])
    const names = rows.flat().filter((name) => !name.endsWith('/*'))
    expect([...names, ...entries].filter((name) => !files.has(name))).toEqual([])
  })

  it('imports only from the rows above and from the same folder', () => {
    const wrong: string[] = []
    for (const [file, { imports }] of files) {
      if (entries.includes(file)) continue
      for (const { from } of imports.filter(inSrc)) {
        const sameRoom = roomOf(file)!.endsWith('/*') && roomOf(file) === roomOf(from)
        if (!sameRoom && rowOf(from) >= rowOf(file)) wrong.push(`${file} imports ${from}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('has no import cycle', () => {
    const done = new Set<string>()
    const visit = (file: string, path: readonly string[]): void => {
      expect(path, [...path, file].join(' imports ')).not.toContain(file)
      if (done.has(file)) return
      for (const { from } of files.get(file)!.imports.filter(inSrc)) visit(from, [...path, file])
      done.add(file)
    }
    for (const file of files.keys()) visit(file, [])
  })

  it('has entry files that only name symbols, and that no file imports', () => {
    for (const entry of entries) expect([entry, files.get(entry)!.onlyExports]).toEqual([entry, true])
    const importers = [...files].filter(([, { imports }]) => imports.some(({ from }) => entries.includes(from)))
    expect(importers.map(([file]) => file)).toEqual([])
  })

  it('imports packages only in the files listed', () => {
    const wrong = [...files].flatMap(([file, { imports }]) =>
      imports
        .filter((one) => !inSrc(one) && !isAllowedPackage(file, one.from))
        .map(({ from }) => `${file} imports ${from}`),
    )
    expect(wrong).toEqual([])
  })

  // The files that a file loads at run time.
  const reach = (entry: string): string[] => {
    const reached = new Set<string>()
    const visit = (file: string): void => {
      if (reached.has(file)) return
      reached.add(file)
      for (const { from } of files.get(file)!.imports.filter((one) => inSrc(one) && !one.isTypeOnly)) visit(from)
    }
    visit(entry)
    return [...reached]
  }

  it('imports in the client only its own files and undeclared.ts', () => {
    expect(reach('client/index').filter((file) => folderOf(file) !== 'client' && file !== 'undeclared')).toEqual([])
  })

  it('imports no other file in the docs page, and the docs page in no static import of openapi', () => {
    expect(reach('openapi/page/main').filter((file) => folderOf(file) !== 'openapi/page')).toEqual([])
    expect(reach('openapi/index').filter((file) => folderOf(file) === 'openapi/page')).toEqual([])
  })
})

function isAllowedPackage(file: string, from: string): boolean {
  return !!(packages[file] ?? packages[`${folderOf(file)}/*`])?.test(from)
}

// Not every bundler can remove the unused exports of `export *`.
function namesSymbols({ exportClause }: ts.ExportDeclaration): boolean {
  return exportClause !== undefined && ts.isNamedExports(exportClause)
}
