import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

// Compiles byway's own middleware outside of the package, against the built types, so run `npm run build` first. An import of
// a core module is replaced by an import of the public entry that exports the same declaration.
const root = fileURLToPath(new URL('..', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'byway-public-'))
const { exports: entries } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { exports: object }

// The code that a third party would also write: the files of a middleware, and codecs of headers.
const own = [
  'src/middleware/',
  'src/cache/',
  'src/openapi/page/',
  'src/headers/',
  'src/compression/',
  'src/redis/',
  'src/static/',
  'src/vercel/',
]
const sources = [
  ...readdirSync(join(root, 'src/middleware'))
    .filter((name) => name !== 'index.ts')
    .map((name) => `src/middleware/${name}`),
  'src/cache/middleware.ts',
  'src/openapi/docs.ts',
  'src/jwt/jwt.ts',
  'src/otel/otel.ts',
  'src/static/serve-static.ts',
  'src/vercel/deploy.ts',
  'src/vercel/vercel.ts',
]

const options: ts.CompilerOptions = {
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  types: [],
  noLib: true,
  customConditions: ['byway-source'],
}
let program: ts.Program
let publicNames: ReadonlyMap<ts.Symbol, { readonly entry: string; readonly name: string }>

beforeAll(() => {
  const modules = Object.entries(entries)
    .filter(([, target]) => String(target).endsWith('.js'))
    .map(([entry, target]) => [entry, join(root, toSource(String(target)))] as const)
  program = ts.createProgram(
    modules.map(([, file]) => file),
    options,
  )
  publicNames = new Map(
    modules.flatMap(([entry, file]) =>
      exportsOf(file).map(
        (symbol) => [original(symbol), { entry: `byway${entry.slice(1)}`, name: symbol.name }] as const,
      ),
    ),
  )
  for (const part of ['dist', 'package.json'])
    cpSync(join(root, part), join(folder, 'node_modules/byway', part), { recursive: true })
  for (const name of ['cookie-es', 'jose', '@opentelemetry', '@types', 'zod'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const toSource = (built: string): string => built.replace('dist/', 'src/').replace(/\.js$/, '.ts')

function exportsOf(file: string): ts.Symbol[] {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const module = source && checker.getSymbolAtLocation(source)
  return module ? checker.getExportsOfModule(module) : []
}

const original = (symbol: ts.Symbol): ts.Symbol =>
  symbol.flags & ts.SymbolFlags.Alias ? program.getTypeChecker().getAliasedSymbol(symbol) : symbol

/** Copies a file and the own files that it imports. Returns the names that no public entry exports. */
function copy(file: string, target: string, files: Set<string> = new Set()): string[] {
  if (files.has(file)) return []
  files.add(file)
  const missing: string[] = []
  const text = readFileSync(join(root, file), 'utf8')
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest)
  let written = text
  for (const statement of source.statements.toReversed()) {
    if (!(ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement))) continue
    const from = statement.moduleSpecifier as ts.StringLiteral | undefined
    if (!from || !/^[.#]/.test(from.text)) continue
    const imported = toPath(file, from.text)
    if (isOwn(imported)) {
      missing.push(...copy(imported, target, files))
      // A package has its own `imports`.
      if (from.text[0] === '#') written = written.replace(from.text, `../${imported.replace(/^src\/|\.ts$/g, '')}.js`)
    } else
      written =
        written.slice(0, statement.getStart(source)) +
        toPublic(file, statement, imported, missing) +
        written.slice(statement.end)
  }
  // Dynamic imports: `await import('./page/assets.js')`.
  for (const [, specifier] of text.matchAll(/\bimport\('([.#][^']*)'\)/g)) {
    const imported = toPath(file, specifier!)
    if (isOwn(imported)) missing.push(...copy(imported, target, files))
    else missing.push(`${file}: import('${specifier}')`)
  }
  const place = join(target, file)
  mkdirSync(dirname(place), { recursive: true })
  writeFileSync(place, written)
  for (const name of readdirSync(join(root, dirname(file))))
    if (name.endsWith('.d.ts')) cpSync(join(root, dirname(file), name), join(dirname(place), name))
  return missing
}

const isOwn = (file: string): boolean => own.some((place) => file.startsWith(place))
const toPath = (file: string, specifier: string): string =>
  specifier[0] === '#'
    ? specifier === '#response'
      ? 'src/response-node.ts'
      : `src/${specifier.slice(1)}.ts`
    : relative(root, join(root, dirname(file), specifier))
        .replace(/\.js$/, '.ts')
        .replace(/\?text$/, '')

/** Imports or exports the same names from public entries. */
function toPublic(
  file: string,
  statement: ts.ImportDeclaration | ts.ExportDeclaration,
  imported: string,
  missing: string[],
): string {
  const clause = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : statement.exportClause
  if (!clause || !(ts.isNamedImports(clause) || ts.isNamedExports(clause))) {
    missing.push(`${file}: everything of ${imported}`)
    return ''
  }
  const isType = ts.isImportDeclaration(statement) ? statement.importClause!.isTypeOnly : statement.isTypeOnly
  const symbols = exportsOf(join(root, imported))
  const lines: string[] = []
  for (const { name, propertyName, isTypeOnly } of clause.elements) {
    const wanted = (propertyName ?? name).text
    const symbol = symbols.find((symbol) => symbol.name === wanted)
    const found = symbol && publicNames.get(original(symbol))
    if (!found) {
      missing.push(`${file}: ${wanted} of ${imported}`)
      continue
    }
    const keyword = ts.isImportDeclaration(statement) ? 'import' : 'export'
    const type = isType || isTypeOnly ? ' type' : ''
    lines.push(`${keyword}${type} { ${found.name} as ${name.text} } from '${found.entry}'`)
  }
  return lines.join('; ')
}

describe("byway's middleware", () => {
  it.each(sources)('%s compiles outside of the package, with public exports only', async (file) => {
    const target = join(folder, file.replaceAll('/', '-').replace(/\.ts$/, ''))
    expect(copy(file, target)).toEqual([])
    const config = {
      extends: join(root, 'tsconfig.json'),
      // Only the middleware for hosts with a file system needs the types of a host.
      compilerOptions: { noEmit: true, customConditions: [], types: file.startsWith('src/static/') ? ['node'] : [] },
      include: ['src'],
    }
    writeFileSync(join(target, 'tsconfig.json'), JSON.stringify(config))
    writeFileSync(join(target, 'package.json'), '{ "type": "module" }')
    const compiler = join(root, 'node_modules/@typescript/native/bin/tsc')
    const { stdout } = await promisify(execFile)(process.execPath, [compiler, '-p', target]).catch(
      (error: { stdout: string }) => error,
    )
    expect(stdout).toBe('')
  })
  it('reports the name and the file of a private import', () => {
    expect(copy('src/openapi/openapi.ts', join(folder, 'private'))).toContain(
      'src/openapi/openapi.ts: dataOf of src/router.ts',
    )
  })
})
