import { basename, dirname, extname, join, resolve } from 'node:path'
import type ts from 'typescript'
import { methods } from '../declaration.js'
import { indent, quote, toTypeName } from './text.js'
import { TypePrinter } from './type-printer.js'
import { CodegenError, loadTypeScript, type TypeScript } from './typescript.js'

export interface CodegenOptions {
  /** The export that is the router. @default 'default' */
  readonly exportName?: string
  /** The compiler's settings. @default the nearest `tsconfig.json`, in the file's folder or above it */
  readonly tsconfig?: string
  /** Called with a message for each type that is written as `unknown`, because it is not a type of data. @default console.warn */
  readonly onWarning?: (message: string) => void
}

/** The statuses of an operation's responses, from its types. */
export interface AppAnswers {
  readonly pattern: string
  readonly method: string
  readonly statuses: readonly number[]
}

/** The types of an app's calls, as text. */
export interface AppCalls {
  /** The members of `interface App {}`. */
  readonly body: string
  /** Declarations that the body refers to, such as recursive types. */
  readonly declarations: readonly string[]
  /** The statuses that each call can have. */
  readonly answers: readonly AppAnswers[]
  /** The names that the text imports from `byway/client`. */
  readonly imports: readonly string[]
}

/**
 * Reads the types of an app's calls from its source. No declaration gets one of the `reserved` names.
 *
 * @throws CodegenError if the file, the router or the compiler is missing.
 */
export function readCalls(given: string, options: CodegenOptions, reserved: readonly string[] = []): AppCalls {
  const { exportName = 'default', onWarning = console.warn } = options
  const file = resolve(given)
  const ts = loadTypeScript(dirname(file))
  if (!ts.sys.fileExists(file)) throw new CodegenError(`${given}: no such file`)
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
      `${given}: TypeScript cannot resolve 'byway/client' from this file; install byway in its package`,
    )

  const unknown = checker.getPropertiesOfType(typeOf('AllCalls')).find(({ name }) => !name.startsWith('/'))
  if (unknown)
    throw new CodegenError(`${given}: '${unknown.name}' is not a pattern; the types of its routes cannot be read`)

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
      // `unknown` means params without a schema. The pattern has their types.
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

// A status of the type `number` tells nothing.
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

// A file in the app's folder that is not on disk names the types to read.
function createProgram(
  ts: TypeScript,
  file: string,
  exportName: string,
  tsconfig: string | undefined,
): { program: ts.Program; reader: ts.SourceFile } {
  const { options, ambient } = readConfig(ts, file, tsconfig)
  const extension = extname(file)
  const specifier = `./${basename(file, extension)}${extension.replace('ts', 'js').replace('jsx', 'js')}`
  // The file has the app's module format. An ES module would see the default export of a CommonJS one as a member.
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
    // Declarations that apply to every file. The app imports the others itself.
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
  const hint = routers.length ? `; --export can name ${routers.join(' or ')}` : ''
  if (!symbol) throw new CodegenError(`${given}: there is no ${what}${hint}`)
  if (typeOf(symbol).flags & ts.TypeFlags.Any)
    throw new CodegenError(`${given}: the ${what} has the type any; check that TypeScript finds its imports`)
  throw new CodegenError(`${given}: the ${what} is not a router; export the value of router({ … })${hint}`)
}

// The client's types that are written by their names.
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
