// Compiles and runs the TypeScript blocks of the pages. Each page is a folder; a block is a file of it.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { pages, root, type Block, type Page } from './pages.js'

/** One TypeScript block as a file. */
export interface Snippet {
  readonly page: Page
  readonly block: Block
  /** The path in the folder of all snippets. */
  readonly path: string
  text: string
}

/** A message of the compiler. */
export interface Message {
  readonly path: string
  readonly text: string
}

/** The names that pages import without declaring them: `./db.js`, and `./app.js`, which is the app of the README. */
const given = join(root, 'test/docs/given')

export const folderOf = ({ path }: Page): string => path.replace(/\.md$/, '').replaceAll('/', '-')

/** Writes the snippets to a folder in the repository, where `byway` and `zod` are found. */
export function writeSnippets(): { readonly folder: string; readonly snippets: Snippet[] } {
  const folder = mkdtempSync(join(root, 'test/docs-'))
  // Commands write some of the files of a page that runs, so the test that runs it compiles them.
  const compiled = pages.filter(({ frontmatter }) => frontmatter['run'] !== 'true')
  const snippets = compiled.flatMap((page) =>
    page.blocks.flatMap((block, index): Snippet[] => {
      if (block.language !== 'ts' || block.kind === 'before' || block.kind === 'signature') return []
      const name = block.file ?? `block-${index}.ts`
      return [{ page, block, path: `${folderOf(page)}/${name}`, text: block.text }]
    }),
  )
  const app = snippets.find(({ path }) => path === 'README/app.ts')!
  for (const page of new Set(snippets.map(({ page }) => page))) {
    const own = join(folder, folderOf(page))
    mkdirSync(own)
    for (const name of readdirSync(given)) cpSync(join(given, name), join(own, name))
    writeFileSync(join(own, 'app.ts'), app.text)
  }
  for (const snippet of snippets) write(folder, snippet)
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({
      compilerOptions: {
        target: 'es2022',
        module: 'nodenext',
        lib: ['es2023', 'dom', 'dom.iterable', 'dom.asynciterable'],
        types: ['node'],
        strict: true,
        noEmit: true,
        skipLibCheck: true,
      },
      include: ['**/*.ts'],
    }),
  )
  return { folder, snippets }
}

function write(folder: string, { path, text }: Snippet): void {
  mkdirSync(dirname(join(folder, path)), { recursive: true })
  writeFileSync(join(folder, path), `${text}\nexport {}\n`)
}

/** Compiles the folder under `strict`. */
export function compile(folder: string): Message[] {
  const tsc = join(root, 'node_modules/@typescript/native/bin/tsc')
  const { stdout } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.json', '--pretty', 'false'], {
    cwd: folder,
    encoding: 'utf8',
  })
  // A message continues on lines that are indented.
  return [...stdout.matchAll(/^(\S.*?)\(\d+,\d+\): error TS\d+: (.*(?:\n[ \t].*)*)/gm)].map(([, path, text]) => ({
    path: path!,
    text: text!,
  }))
}

/**
 * Adds the names that a block takes from an earlier block of its page: the nearest one that imports or declares the name.
 * Returns whether a snippet has changed.
 */
export function continueBlocks(folder: string, snippets: readonly Snippet[], messages: readonly Message[]): boolean {
  let isChanged = false
  for (const [index, snippet] of snippets.entries()) {
    const missing = messages.flatMap(({ path, text }) => {
      const [, name] =
        /^(?:Cannot find name|No value exists in scope for the shorthand property) '(\w+)'/.exec(text) ?? []
      return path === snippet.path && name ? name : []
    })
    for (const name of new Set(missing)) {
      const earlier = snippets.slice(0, index).filter(({ page, block }) => page === snippet.page && !block.kind)
      const found = earlier.reverse().flatMap((other) => toImport(other, snippet, name) ?? [])[0]
      if (!found) continue
      snippet.text = `${found.line}\n${snippet.text}`
      if (found.exported) found.exported.text += `\nexport { ${name} }`
      for (const one of [snippet, found.exported]) if (one) write(folder, one)
      isChanged = true
    }
  }
  return isChanged
}

function toImport(
  from: Snippet,
  to: Snippet,
  name: string,
): { readonly line: string; readonly exported?: Snippet } | undefined {
  for (const statement of parse(from.block.text).statements) {
    if (ts.isImportDeclaration(statement)) {
      const { importClause: clause, moduleSpecifier } = statement
      const type = clause?.phaseModifier === ts.SyntaxKind.TypeKeyword ? 'type ' : ''
      const from = moduleSpecifier.getText()
      if (clause?.name?.text === name) return { line: `import ${type}${name} from ${from}` }
      const bindings = clause?.namedBindings
      if (!bindings) continue
      if (ts.isNamespaceImport(bindings)) {
        if (bindings.name.text === name) return { line: `import * as ${name} from ${from}` }
      } else
        for (const element of bindings.elements)
          if (element.name.text === name) return { line: `import ${type}{ ${element.getText()} } from ${from}` }
    } else if (namesOf(statement).includes(name)) {
      const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined
      const isExported = modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false
      const already = isExported || from.text.includes(`\nexport { ${name} }`)
      const up = '../'.repeat(to.path.split('/').length - 2) || './'
      const line = `import { ${name} } from '${up}${from.path.split('/').slice(1).join('/').replace(/\.ts$/, '.js')}'`
      return already ? { line } : { line, exported: from }
    }
  }
  return undefined
}

const parse = (text: string): ts.SourceFile => ts.createSourceFile('block.ts', text, ts.ScriptTarget.Latest, true)

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.flatMap(({ name }) => bindingNames(name))
  const { name } = statement as { name?: ts.Node }
  return name && ts.isIdentifier(name) ? [name.text] : []
}

function bindingNames(name: ts.BindingName): string[] {
  if (ts.isIdentifier(name)) return [name.text]
  return name.elements.flatMap((element) => (ts.isBindingElement(element) ? bindingNames(element.name) : []))
}

/** Returns the syntax errors of TypeScript that is not compiled. */
export const syntaxErrors = (text: string): string[] =>
  (ts.transpileModule(text, { reportDiagnostics: true, fileName: 'block.tsx' }).diagnostics ?? []).map(
    ({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'),
  )
