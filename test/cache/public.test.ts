import { readFileSync } from 'node:fs'
import { posix } from 'node:path'
import ts from 'typescript'
import { describe, expect, it } from 'vitest'

const src = new URL('../../src/', import.meta.url)
const parse = (file: string): ts.SourceFile =>
  ts.createSourceFile(file, readFileSync(new URL(file, src), 'utf8'), ts.ScriptTarget.Latest)

/** The names that a file imports or exports, by the file or package that they come from. */
function* namesIn(file: string): Generator<{ readonly from: string; readonly names: readonly string[] }> {
  for (const statement of parse(file).statements) {
    if (!ts.isImportDeclaration(statement) && !ts.isExportDeclaration(statement)) continue
    if (!statement.moduleSpecifier) continue
    const { text } = statement.moduleSpecifier as ts.StringLiteral
    const from = text.startsWith('.') ? posix.join(posix.dirname(file), text).replace(/\.js$/, '.ts') : text
    const bindings = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : statement.exportClause
    const elements = bindings && (ts.isNamedImports(bindings) || ts.isNamedExports(bindings)) ? bindings.elements : []
    yield { from, names: elements.map(({ name, propertyName }) => (propertyName ?? name).text) }
  }
}

const published = new Set(
  ['index.ts', 'types.ts', 'replies/index.ts'].flatMap((entry) => [...namesIn(entry)].flatMap(({ names }) => names)),
)

describe('the middleware of cache()', () => {
  it('imports from the core only names that the package exports', () => {
    const seen = new Set<string>()
    const missing: string[] = []
    const visit = (file: string): void => {
      if (seen.has(file)) return
      seen.add(file)
      for (const { from, names } of namesIn(file)) {
        if (from.startsWith('cache/') || from.startsWith('headers/')) visit(from)
        else missing.push(...names.filter((name) => !published.has(name)).map((name) => `${file}: ${name} of ${from}`))
      }
    }
    visit('cache/middleware.ts')
    expect(missing).toEqual([])
    expect(seen.size).toBeGreaterThan(20)
  })
})
