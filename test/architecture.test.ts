import { readdirSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

// Who may import whom: a file imports from the rows above its own only, and within its folder. Type imports count.
const rows = [
  ['scope', 'response'],
  ['annotations', 'response-node', 'inputs/*', 'stream', 'jsonify', 'null-object', 'page-file', 'documents/*'],
  ['pattern', 'problem', 'value', 'headers/*'],
  ['matcher', 'body', 'form', 'reply', 'webhooks/*'],
  ['context', 'rules', 'file', 'proxy'],
  ['middleware', 'validate'],
  ['static-params'],
  ['operation', 'sse'],
  ['replies'],
  ['route', 'middleware/*', 'cache/*'],
  ['router'],
  ['client/*', 'codegen/*', 'openapi/*', 'hosts/*', 'prerender'],
  // A browser's, which takes types only from the others.
  ['openapi/page/*'],
  ['cli/*'],
]

// Entry files name what a user gets, and nothing imports them.
const entries = [
  'index',
  'cache/index',
  'client/index',
  'documents/index',
  'middleware/index',
  'node',
  'openapi/index',
  'webhooks/index',
]

// What may be imported from outside of src. The core stands alone.
const packages: Record<string, RegExp> = {
  'headers/cookie': /^cookie-es$/,
  'cache/file-store': /^node:(?:crypto|fs\/promises|path)$/,
  'page-file': /^node:(?:fs\/promises|path)$/,
  // What the build makes of the files beside it.
  'openapi/page/assets': /^openapi\/page\/[\w.]+\?text$/,
  'codegen/*': /^(?:node:(?:fs|module|path|url)|typescript)$/,
  'cli/*': /^(?:node:(?:child_process|fs|fs\/promises|path|url)|commander|jiti)$/,
  'hosts/*': /^(?:node:(?:http2?|net|os|stream)|srvx\/node)$/,
}

interface Import {
  readonly from: string
  readonly isTypeOnly: boolean
}

const root = new URL('../src/', import.meta.url)
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
      : // A name of `imports` in package.json has the name of the file that most hosts get.
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
  return { imports, onlyExports: statements.every((statement) => ts.isExportDeclaration(statement)) }
}

const folderOf = (file: string): string => posix.dirname(file)
const rowOf = (file: string): number =>
  rows.findIndex((row) => row.includes(file) || (folderOf(file) !== '.' && row.includes(`${folderOf(file)}/*`)))
const inSrc = ({ from }: Import): boolean => files.has(from)

describe('src', () => {
  it('is where this test looks', () => {
    expect(files.size).toBeGreaterThan(20)
    expect(files.get('router')!.imports.map(({ from }) => from)).toContain('matcher')
  })

  it('has a row for each file, and a file for each name in a row', () => {
    expect([...files.keys()].filter((file) => rowOf(file) === -1 && !entries.includes(file))).toEqual([])
    const names = rows.flat().filter((name) => !name.endsWith('/*'))
    expect([...names, ...entries].filter((name) => !files.has(name))).toEqual([])
  })

  it('imports from the rows above only, or within a folder', () => {
    const wrong: string[] = []
    for (const [file, { imports }] of files) {
      if (entries.includes(file)) continue
      for (const { from } of imports.filter(inSrc)) {
        const sameFolder = folderOf(file) !== '.' && folderOf(file) === folderOf(from)
        if (!sameFolder && rowOf(from) >= rowOf(file)) wrong.push(`${file} imports ${from}`)
      }
    }
    expect(wrong).toEqual([])
  })

  it('has no cycle', () => {
    const done = new Set<string>()
    const visit = (file: string, path: readonly string[]): void => {
      expect(path, [...path, file].join(' imports ')).not.toContain(file)
      if (done.has(file)) return
      for (const { from } of files.get(file)!.imports.filter(inSrc)) visit(from, [...path, file])
      done.add(file)
    }
    for (const file of files.keys()) visit(file, [])
  })

  it('has entry files that only name what is elsewhere, and that nothing imports', () => {
    for (const entry of entries) expect([entry, files.get(entry)!.onlyExports]).toEqual([entry, true])
    const importers = [...files].filter(([, { imports }]) => imports.some(({ from }) => entries.includes(from)))
    expect(importers.map(([file]) => file)).toEqual([])
  })

  it('imports packages in few places, and none in the core', () => {
    const wrong = [...files].flatMap(([file, { imports }]) =>
      imports
        .filter((one) => !inSrc(one) && !isAllowedPackage(file, one.from))
        .map(({ from }) => `${file} imports ${from}`),
    )
    expect(wrong).toEqual([])
  })

  // What a file and all that it imports needs at run time.
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

  it('keeps the server out of the client: at run time it has the pattern and its own files only', () => {
    expect(reach('client/index').filter((file) => folderOf(file) !== 'client')).toEqual(['pattern'])
  })

  it("keeps the server out of the documentation's page, and that page out of what is loaded before it is asked for", () => {
    expect(reach('openapi/page/main').filter((file) => folderOf(file) !== 'openapi/page')).toEqual([])
    expect(reach('openapi/index').filter((file) => folderOf(file) === 'openapi/page')).toEqual([])
  })
})

function isAllowedPackage(file: string, from: string): boolean {
  return !!(packages[file] ?? packages[`${folderOf(file)}/*`])?.test(from)
}
