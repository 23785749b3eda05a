import { basename, dirname, extname, join, resolve } from 'node:path'
import type ts from 'typescript'
import { methods } from '../declaration.js'
import { indent, quote, toTypeName } from './text.js'
import { TypePrinter } from './type-printer.js'
import { CodegenError, loadTypeScript, type TypeScript } from './typescript.js'

export interface CodegenOptions {
  /** The export that is the router. @default 'default' */
  readonly exportName?: string
  /** @default the `tsconfig.json` of the file's folder, or of the nearest one above */
  readonly tsconfig?: string
  /** Told of what is written as `unknown`, since no type of data says it. @default console.warn */
  readonly onWarning?: (message: string) => void
}

/** What the types of an operation say that it may answer. */
export interface AppAnswers {
  readonly pattern: string
  readonly method: string
  readonly statuses: readonly number[]
}

/** The calls of an app, as text. */
export interface AppCalls {
  /** What stands between the braces of `interface App {}`. */
  readonly body: string
  /** Types that refer to themselves, and what else the body refers to. */
  readonly declarations: readonly string[]
  /** The statuses that each call may have. */
  readonly answers: readonly AppAnswers[]
  /** What the text takes from `byway/client`. */
  readonly imports: readonly string[]
}

/**
 * Reads the types of an app's calls from its source. `reserved` are names that no declaration may
 * have.
 *
 * @throws CodegenError if there is no such file, router or compiler.
 */
export function readCalls(given: string, options: CodegenOptions, reserved: readonly string[] = []): AppCalls {
  const { exportName = 'default', onWarning = console.warn } = options
  const file = resolve(given)
  const ts = loadTypeScript(dirname(file))
  if (!ts.sys.fileExists(file)) throw new CodegenError(`there is no file ${given}`)
  const { program, reader } = createProgram(ts, file, exportName, options.tsconfig)
  const checker = program.getTypeChecker()
  checkRouter(ts, program, file, given, exportName)
  const typeOf = (name: string): ts.Type => {
    const statement = reader.statements.find((one) => ts.isTypeAliasDeclaration(one) && one.name.text === name)
    return checker.getTypeAtLocation((statement as ts.TypeAliasDeclaration).name)
  }
  const known = knownTypes(ts, checker, reader)
  if (!known.size)
    throw new CodegenError(
      `${given}: TypeScript does not find 'byway/client' from there, or one that has the type Calls`,
    )

  const stranger = checker.getPropertiesOfType(typeOf('AllCalls')).find(({ name }) => !name.startsWith('/'))
  if (stranger)
    throw new CodegenError(`${given} has '${stranger.name}' where a pattern is expected; its types cannot be read`)

  const printer = new TypePrinter(
    ts,
    program,
    reader,
    known,
    new Set(['App', ...known.values(), ...reserved]),
    (place, reason) => onWarning(`${given}: ${place} is written as unknown: ${reason}`),
  )
  const routes = checker
    .getPropertiesOfType(typeOf('AllCalls'))
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
  const answers: AppAnswers[] = []
  const body = routes
    .map((route) => {
      const members = checker.getTypeOfSymbol(route)
      const lines: string[] = []
      const label = toTypeName(route.name.split('/').findLast((segment) => segment && segment[0] !== '[') ?? '')
      const params = members.getProperty('~params')
      const paramsType = params && checker.getNonNullableType(checker.getTypeOfSymbol(params))
      // Of a route without a schema for them it is `unknown`, and the pattern tells.
      if (paramsType && !(paramsType.flags & ts.TypeFlags.Unknown) && !isEmpty(ts, checker, paramsType))
        lines.push(`'~params'?: ${printer.print(paramsType, `params of ${route.name}`, 'options', label)}`)
      for (const method of methods) {
        const call = members.getProperty(method)
        if (!call) continue
        const [input, result] = checker.getTypeArguments(checker.getTypeOfSymbol(call) as ts.TypeReference)
        const place = `${method} ${route.name}`
        answers.push({ pattern: route.name, method, statuses: statusesOf(ts, checker, result!) })
        lines.push(
          `${method}: ${printer.reference('Call', [printer.print(input!, place, 'options', label), printer.print(result!, place, 'result', label)])}`,
        )
      }
      return `${quote(route.name)}: {\n${indent(lines.join('\n'))}\n}`
    })
    .join('\n')
  return { body, answers, declarations: printer.declarations(), imports: printer.imports() }
}

// Those that have a name: any Response is all of them, and says nothing.
function statusesOf(ts: TypeScript, checker: ts.TypeChecker, result: ts.Type): number[] {
  const members = result.isUnion() ? result.types : [result]
  return members.flatMap((member) => {
    const status = member.getProperty('status')
    const type = status && checker.getTypeOfSymbol(status)
    return type?.isNumberLiteral() ? type.value : []
  })
}

// `NonNullable<unknown>` is `{}`.
const isEmpty = (ts: TypeScript, checker: ts.TypeChecker, type: ts.Type): boolean =>
  !!(type.flags & ts.TypeFlags.Object) &&
  checker.getPropertiesOfType(type).length === 0 &&
  checker.getIndexInfosOfType(type).length === 0

// A file that is not on disk, beside the app, names the types that are read.
function createProgram(
  ts: TypeScript,
  file: string,
  exportName: string,
  tsconfig: string | undefined,
): { program: ts.Program; reader: ts.SourceFile } {
  const { options, ambient } = readConfig(ts, file, tsconfig)
  const extension = extname(file)
  const specifier = `./${basename(file, extension)}${extension.replace('ts', 'js').replace('jsx', 'js')}`
  // Of the same kind as the app: what is an ES module sees the default export of a CommonJS one as a member of it.
  const path = join(dirname(file), `.byway-calls.${/^\.[cm]/.test(extension) ? extension[1] : ''}ts`)
  const text = `import type { Calls, Failure, Problem, Success } from 'byway/client'
import type { ${exportName} as app } from '${specifier}'
export type AllCalls = Calls<typeof app>
`
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile } = host
  const isReader = (name: string): boolean => resolve(name) === path
  host.fileExists = (name) => isReader(name) || fileExists(name)
  host.readFile = (name) => (isReader(name) ? text : readFile(name))
  const program = ts.createProgram({ rootNames: [path, file, ...ambient], options, host })
  return { program, reader: program.getSourceFile(path)! }
}

function readConfig(
  ts: TypeScript,
  file: string,
  given: string | undefined,
): { options: ts.CompilerOptions; ambient: readonly string[] } {
  const path = given === undefined ? ts.findConfigFile(dirname(file), ts.sys.fileExists) : resolve(given)
  if (path === undefined)
    return {
      options: { ...overrides, strict: true, target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.NodeNext },
      ambient: [],
    }
  const { config, error } = ts.readConfigFile(path, ts.sys.readFile)
  if (error) throw new CodegenError(`${path}: ${ts.flattenDiagnosticMessageText(error.messageText, '\n')}`)
  const parsed = ts.parseJsonConfigFileContent(config, ts.sys, dirname(path), overrides, path)
  return {
    options: parsed.options,
    // What declares things for every file; the app names the others itself.
    ambient: parsed.fileNames.filter((name) => /\.d\.[cm]?ts$/.test(name)),
  }
}

const overrides: ts.CompilerOptions = {
  noEmit: true,
  composite: false,
  incremental: false,
  declaration: false,
  emitDeclarationOnly: false,
  skipLibCheck: true,
  allowJs: true,
  strictNullChecks: true,
}

function checkRouter(ts: TypeScript, program: ts.Program, file: string, given: string, exportName: string): void {
  const checker = program.getTypeChecker()
  const source = program.getSourceFile(file)
  const [mistake] = program.getSyntacticDiagnostics(source)
  if (mistake) throw new CodegenError(`${given}: ${ts.flattenDiagnosticMessageText(mistake.messageText, '\n')}`)
  const module = source && checker.getSymbolAtLocation(source)
  const exported = module ? checker.getExportsOfModule(module) : []
  const typeOf = (symbol: ts.Symbol): ts.Type =>
    checker.getTypeOfSymbol(symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol)
  const isRouter = (symbol: ts.Symbol): boolean =>
    ['fetch', 'declared', 'settled'].every((name) => typeOf(symbol).getProperty(name))
  const symbol = exported.find(({ name }) => name === exportName)
  if (symbol && isRouter(symbol)) return
  const what = exportName === 'default' ? 'default export' : `export '${exportName}'`
  const routers = exported.filter(isRouter).map(({ name }) => `'${name}'`)
  const hint = routers.length ? `; ${routers.join(' and ')} would be one` : ''
  if (!symbol) throw new CodegenError(`${given} has no ${what}${hint}`)
  if (typeOf(symbol).flags & ts.TypeFlags.Any)
    throw new CodegenError(`the ${what} of ${given} has the type any: TypeScript does not find what it is made of`)
  throw new CodegenError(`the ${what} of ${given} is no router: it takes what router({ … }) gives${hint}`)
}

// The types of the client that are written by their names.
function knownTypes(ts: TypeScript, checker: ts.TypeChecker, reader: ts.SourceFile): ReadonlyMap<ts.Symbol, string> {
  const known = new Map<ts.Symbol, string>()
  const declaration = reader.statements.find(ts.isImportDeclaration)
  const module = declaration && checker.getSymbolAtLocation(declaration.moduleSpecifier)
  const exported = module ? checker.getExportsOfModule(module) : []
  if (!exported.some(({ name }) => name === 'Calls')) return known
  for (const symbol of exported) {
    if (!['Call', 'Failure', 'Problem', 'Success'].includes(symbol.name)) continue
    known.set(symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol, symbol.name)
  }
  return known
}
