import type { Command } from 'commander'
import { notesOf } from '../middleware.js'
import { readCalls, type AppAnswers } from '../codegen/app-calls.js'
import { CodegenError } from '../codegen/typescript.js'
import { toPath } from '../href.js'
import { staticParamsOf } from '../paths/static-params.js'
import { parsePattern, type Segment } from '../pattern.js'
import { toBodyKind } from '../prepare.js'
import type { App, RouteData, RouteOperation } from '../app.js'
import { cacheOptionsOf } from '../cache/cache-options.js'
import { isSchema } from '../schema.js'
import { loadApp, type LoadedApp } from './load-app.js'
import { writeResult } from './output.js'
import { toSource } from './source.js'

/** Something that is most likely not meant so. */
export interface Finding {
  readonly method: string
  /** With the router's `basePath`. */
  readonly pattern: string
  readonly source: string | null
  /** What it is, and what to do. */
  readonly message: string
}

interface Declared {
  readonly route: RouteData
  readonly operation: RouteOperation
}

/** What a look at an app finds, and what asking it for its cached answers shows. */
export async function diagnose({ app, data, file, exportName }: LoadedApp, run: boolean): Promise<Finding[]> {
  const findings: Finding[] = []
  const tell = ({ route, operation }: Declared, message: string): void => {
    const { pattern } = route
    const source = toSource(operation.stack) ?? null
    findings.push({ method: operation.method, pattern: data.basePath + pattern, source, message })
  }
  for (const { route } of data.routes) {
    const rewritten = data.rewrites.find((rule) => isCovered(parsePattern(route.pattern), parsePattern(rule.source)))
    for (const operation of route.operations.values()) {
      const declared = { route, operation }
      if (rewritten && rewritten.destination !== route.pattern)
        tell(
          declared,
          `is never reached: the rewrite of '${rewritten.source}' to '${rewritten.destination}' comes first; remove one of the two`,
        )
      if (isMutating(operation) && !toBodyKind(operation.declaration))
        tell(declared, 'takes a body that no schema checks; declare body')
      if (run && operation.method === 'GET' && operation.middleware.some(cacheOptionsOf)) await ask(declared, app, data, tell)
    }
  }
  for (const { declared, statuses } of undeclared(data, file, exportName))
    tell(
      declared,
      `answers ${statuses.join(', ')}, by its types, which its response does not declare; declare them there, or in openapi.responses`,
    )
  return findings
}

/** The statuses that operations answer, which list theirs in `response`, and do not list these. */
function undeclared(
  { routes, use }: App,
  file: string,
  exportName: string,
): { readonly declared: Declared; readonly statuses: readonly number[] }[] {
  const listed = routes.flatMap(({ route }) =>
    [...route.operations.values()].flatMap((operation) => {
      const { response } = operation.declaration
      return response && !isSchema(response) ? [{ route, operation }] : []
    }),
  )
  if (!listed.length) return []
  const answers = readAnswers(file, exportName)
  return listed.flatMap((declared) => {
    const { route, operation } = declared
    const { declaration, middleware, method } = operation
    const known = new Set(
      [
        declaration.response,
        declaration.openapi?.responses,
        ...[...use, ...middleware].map((layer) => notesOf(layer).openapi?.responses),
      ]
        .flatMap((statuses) => Object.keys(statuses ?? {}))
        .map(Number),
    )
    // What byway answers by itself, to input that does not fit.
    if (declaration.query || declaration.headers || toBodyKind(declaration)) known.add(400)
    if (toBodyKind(declaration)) known.add(413).add(415)
    const own = answers.find((one) => one.pattern === route.pattern && one.method === method)
    const statuses = (own?.statuses ?? []).filter((status) => !known.has(status))
    return statuses.length ? [{ declared, statuses }] : []
  })
}

// Without a compiler the rest is still worth a look.
function readAnswers(file: string, exportName: string): readonly AppAnswers[] {
  try {
    return readCalls(file, { exportName, onWarning: () => {} }).answers
  } catch (error) {
    if (!(error instanceof CodegenError)) throw error
    process.stderr.write(`byway: the statuses of answers were not looked at: ${error.message}\n`)
    return []
  }
}

const isMutating = ({ method }: RouteOperation): boolean => method === 'POST' || method === 'PUT' || method === 'PATCH'

/** Whether every pathname that `inner` fits is one that `outer` fits. */
function isCovered(inner: readonly Segment[], outer: readonly Segment[]): boolean {
  for (let at = 0; ; at++) {
    const one = inner[at]
    const two = outer[at]
    if (two?.kind === 'optional-catch-all') return true
    if (two?.kind === 'catch-all') return one !== undefined && one.kind !== 'optional-catch-all'
    if (!one || !two) return one === two
    if (one.kind !== 'static' && one.kind !== 'param') return false
    if (two.kind === 'static' && (one.kind !== 'static' || one.name !== two.name)) return false
  }
}

// What a client may send that a cached answer must not depend on.
const probe = {
  cookie: 'byway-doctor=1',
  authorization: 'Bearer byway-doctor',
  'accept-language': 'tlh',
  'user-agent': 'byway-doctor',
}

/** Asks for one answer of a cached route, as a client would. */
async function ask(
  declared: Declared,
  app: LoadedApp['app'],
  { basePath }: App,
  tell: (declared: Declared, message: string) => void,
): Promise<void> {
  const { route } = declared
  const known = await firstParams(route)
  const path = toPath(route.pattern, (known ?? toSample(route.pattern)) as Record<string, never>)
  const request = new Request(`http://localhost${basePath}${path}?byway-doctor=1`, { headers: probe })
  const response = await app.fetch(request)
  await response.text().catch(() => '')
  const [, reads] = /(?:^|[;,]\s*)detail="?(reads [^"]*)"?/.exec(response.headers.get('cache-status') ?? '') ?? []
  if (reads !== undefined)
    tell(
      declared,
      `is not cached: for ${path} it ${reads}, which is not in the key of its answers; take that into the key (vary, key, a declared input), or leave the cache out`,
    )
  if (response.status >= 500) tell(declared, `answers ${response.status} for ${path}`)
}

async function firstParams(route: RouteData): Promise<object | undefined> {
  if (!route.pattern.includes('[')) return {}
  const [first] = (await staticParamsOf(route)?.load(route.pattern).catch(() => undefined)) ?? []
  return first
}

const toSample = (pattern: string): object =>
  Object.fromEntries(
    parsePattern(pattern).flatMap(({ kind, name }) =>
      kind === 'static' ? [] : [[name, kind === 'param' ? 'sample' : ['sample']]],
    ),
  )

export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .summary('look for what is most likely not meant so')
    .description(
      'Looks for routes that are never reached, bodies that no schema checks, statuses that are not declared, and cached ' +
        'routes whose answers are not kept, which it asks for once each. Ends with 1 if it has found something.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('--no-run', 'run no handler')
    .option('--json', 'as JSON')
    .action(async (file: string | undefined, options: { export?: string; run: boolean; json?: boolean }) => {
      const loaded = await loadApp(file, options.export)
      const findings = await diagnose(loaded, options.run)
      const text = findings
        .map(
          ({ method, pattern, source, message }) =>
            `${method} ${pattern}${source ? `  ${source}` : ''}\n  ${message}\n`,
        )
        .join('\n')
      await writeResult(options.json ? `${JSON.stringify(findings, undefined, 2)}\n` : text, undefined)
      if (!options.json)
        process.stderr.write(findings.length ? `byway: ${findings.length} found\n` : 'byway: nothing found\n')
      await loaded.app.settled()
      if (findings.length) process.exitCode = 1
    })
}
