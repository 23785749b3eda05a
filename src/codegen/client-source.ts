import { readFileSync } from 'node:fs'
import type ts from 'typescript'
import type { TypeScript } from './typescript.js'

// What the client takes from an app's own types stands written already: `CallOf<operation, early>` is the operation.
const resolved: ReadonlySet<string> = new Set(['CallOf', 'RouteOf', 'Table'])
// Nor is there anything left of the router's middleware: each call has its answers.
const dropped: ReadonlySet<string> = new Set(['EarlyOf', 'early'])

// Names of the DOM's library, as whoever has Node's types in its place has them too.
const platform: ReadonlyMap<string, string> = new Map([
  ['BodyInit', "type BodyInit = NonNullable<RequestInit['body']>"],
  ['HeadersInit', "type HeadersInit = NonNullable<RequestInit['headers']>"],
])
const location = '(globalThis as { readonly location?: { readonly origin: string } }).location'

const root = new URL('../../src/', import.meta.url)

interface Source {
  readonly declarations: ReadonlyMap<string, ts.Statement>
  /** The names that it imports, and from where. */
  readonly imports: ReadonlyMap<string, string>
}

/**
 * The source of byway's client as declarations, by their names, that stand in one file: those of `names`, which are exported,
 * and what they need. What needs others comes after them.
 */
export function readClientSource(ts: TypeScript, names: readonly string[]): ReadonlyMap<string, string> {
  const sources = new Map<string, Source>()
  const owners = new Map<string, string>()
  const texts = new Map<string, string>()

  const open = (path: string): Source => {
    let source = sources.get(path)
    if (!source) sources.set(path, (source = parse(ts, path)))
    return source
  }
  const take = (name: string, path: string): void => {
    const { declarations, imports } = open(path)
    const from = imports.get(name)
    if (from !== undefined) return take(name, from)
    const statement = declarations.get(name)
    const known = platform.get(name)
    if (!statement && known) texts.set(name, known)
    if (!statement) return
    const owner = owners.get(name)
    if (owner === path) return
    if (owner !== undefined)
      throw new Error(`src/${path} and src/${owner} both declare '${name}': one needs another name`)
    owners.set(name, path)
    const { text, uses } = write(ts, statement, names.includes(name))
    for (const use of uses) if (use !== name) take(use, path)
    texts.set(name, text)
  }
  for (const name of names) take(name, 'client/index.ts')
  return texts
}

function parse(ts: TypeScript, path: string): Source {
  const url = new URL(path, root)
  const file = ts.createSourceFile(path, readFileSync(url, 'utf8'), ts.ScriptTarget.Latest, true)
  const declarations = new Map<string, ts.Statement>()
  const imports = new Map<string, string>()
  for (const statement of file.statements) {
    if (ts.isImportDeclaration(statement) || ts.isExportDeclaration(statement)) {
      const specifier = (statement.moduleSpecifier as ts.StringLiteral).text
      const from = new URL(specifier.replace(/\.js$/, '.ts'), url).href.slice(root.href.length)
      const named = ts.isImportDeclaration(statement) ? statement.importClause?.namedBindings : statement.exportClause
      if (named && (ts.isNamedImports(named) || ts.isNamedExports(named)))
        for (const { name } of named.elements) imports.set(name.text, from)
    } else if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) declarations.set(name.getText(), statement)
    } else {
      const { name } = statement as ts.DeclarationStatement
      if (name) declarations.set(name.text, statement)
    }
  }
  return { declarations, imports }
}

// A statement's text, and the names that it uses.
function write(
  ts: TypeScript,
  statement: ts.Statement,
  isExported: boolean,
): { text: string; uses: ReadonlySet<string> } {
  const uses = new Set<string>()
  const source = statement.getSourceFile().text
  const isClient = ts.isFunctionDeclaration(statement) && statement.name?.text === 'createClient'

  // The text of a node, with that of each node in it in its place.
  const copy = (node: ts.Node): string => {
    let text = ''
    let at = node.getStart()
    ts.forEachChild(node, (child) => {
      const written = emit(child)
      text +=
        written === undefined
          ? source.slice(at, child.getFullStart()).replace(/,$/, '')
          : source.slice(at, child.getStart()) + written
      at = child.getEnd()
    })
    return text + source.slice(at, node.getEnd())
  }
  // `undefined` for what is left out.
  const emit = (node: ts.Node): string | undefined => {
    if (node.kind === ts.SyntaxKind.ExportKeyword) return ''
    if (ts.isTypeParameterDeclaration(node) && dropped.has(node.name.text)) return undefined
    if (ts.isTypeReferenceNode(node)) {
      const name = node.typeName.getText()
      if (dropped.has(name)) return undefined
      if (resolved.has(name)) return emit(node.typeArguments![0]!)
      if (isClient && name === 'app') return 'App'
    }
    if (ts.isPropertyAccessExpression(node) && node.getText() === 'globalThis.location') return location
    if (ts.isIdentifier(node) && !isMemberName(ts, node)) uses.add(node.text)
    return copy(node)
  }
  const comments = source.slice(statement.getFullStart(), statement.getStart()).replace(/^\/\/ ──.*$/gm, '')
  const code = copy(statement).trimStart()
  // The app is in the same file.
  const text = `${isExported ? 'export ' : ''}${isClient ? code.replace('<app>', '') : code}`
  return {
    text: `${comments}${text}`
      .trim()
      .replaceAll('createClient<typeof app>(', 'createClient(')
      .replace(/, typed from the app alone: `import .*`/, ''),
    uses,
  }
}

// Whether a name is of a member, and so refers to nothing.
function isMemberName(ts: TypeScript, node: ts.Identifier): boolean {
  const { parent } = node
  if (ts.isBindingElement(parent)) return parent.propertyName === node
  return (
    (ts.isPropertyAccessExpression(parent) ||
      ts.isPropertyAssignment(parent) ||
      ts.isPropertySignature(parent) ||
      ts.isMethodSignature(parent) ||
      ts.isPropertyDeclaration(parent) ||
      ts.isMethodDeclaration(parent)) &&
    parent.name === node
  )
}
