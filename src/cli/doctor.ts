import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Command } from 'commander'
import { notesOf } from '../middleware.js'
import { readCalls, type AppAnswers } from '../codegen/app-calls.js'
import { CodegenError } from '../codegen/typescript.js'
import { toPath } from '../href.js'
import { docsOptionsOf } from '../openapi/docs.js'
import { findMistakes, openapi } from '../openapi/openapi.js'
import { staticParamsOf } from '../paths/static-params.js'
import { parsePattern, type Segment } from '../pattern.js'
import { toBodyKind } from '../prepare.js'
import type { App, RouteData, RouteOperation, Rule } from '../app.js'
import { cacheOptionsOf } from '../cache/cache-options.js'
import { isSchema } from '../schema.js'
import { loadApp, type LoadedApp } from './load-app.js'
import { cacheDirective, hasCacheDirective } from './next.js'
import { writeResult } from './output.js'
import { toSource } from './source.js'

/** A likely mistake in an operation, or a note about something that can be correct. */
export interface Finding {
  /** A command with mistakes exits with 1. A note does not change the exit code. */
  readonly level: 'mistake' | 'note'
  readonly method: string
  /** The pattern, including the router's `basePath`. Empty for a mistake of a whole file. */
  readonly pattern: string
  /** `file:line` of the declaration, if it is known. */
  readonly source: string | null
  /** The mistake and how to fix it. */
  readonly message: string
}

interface Declared {
  readonly route: RouteData
  readonly operation: RouteOperation
}

type Report = (declared: Declared, message: string, level?: Finding['level']) => void

/** Returns the likely mistakes in an app. If `run` is true, requests one response from each cached route. */
export async function diagnose({ app, data, file, exportName, loader }: LoadedApp, run: boolean): Promise<Finding[]> {
  const findings: Finding[] = []
  const report: Report = ({ route, operation }, message, level = 'mistake') => {
    const pattern = data.basePath && route.pattern === '/' ? data.basePath : data.basePath + route.pattern
    findings.push({ level, method: operation.method, pattern, source: toSource(operation.stack) ?? null, message })
  }
  const messages = documentMistakes(data)
  for (const { route } of data.routes) {
    const rewritten = rewriteOf(route.pattern, data)
    for (const operation of route.operations.values()) {
      const declared = { route, operation }
      const message = messages.get(operation)
      if (message !== undefined) report(declared, message)
      if (rewritten)
        report(
          declared,
          `is unreachable, because '${rewritten.source}' is rewritten to '${rewritten.destination}' first; remove one of the two`,
        )
      if (isMutating(operation) && !toBodyKind(operation.declaration))
        report(declared, 'declares no body; if the handler reads one, declare body, so that it is validated', 'note')
      if (run && operation.method === 'GET' && operation.middleware.some(cacheOptionsOf))
        await checkCache(declared, app, data, report)
    }
  }
  for (const { declared, statuses } of undeclared(data, file, exportName))
    report(
      declared,
      `can respond with ${statuses.join(', ')} according to its types, but does not declare that; add it to response or openapi.responses`,
    )
  for (const loaded of loader.files(file))
    if (/\.[cm]?[jt]sx?$/.test(loaded) && hasCacheDirective(readFileSync(loaded, 'utf8')))
      findings.push({
        level: 'mistake',
        method: '',
        pattern: '',
        source: relative(process.cwd(), loaded).replaceAll('\\', '/'),
        message: cacheDirective,
      })
  return findings
}

/** Returns the mistakes for which the document has no description of an operation. */
function documentMistakes(data: App): ReadonlyMap<RouteOperation, string> {
  const options = docsOptionsOf(data)
  // Without a page, names in the document can be wrong without an effect. Values that cannot be sent are wrong in any case.
  const mistakes = [...findMistakes(data)]
  if (options) openapi(data, { ...options, onWarning: () => {}, onMistake: (error) => mistakes.push(error) })
  return new Map(mistakes.flatMap(({ operation, message }) => (operation ? [[operation, message] as const] : [])))
}

/** Returns the rewrite that takes all pathnames of a pattern, unless another rewrite leads to the pattern. */
function rewriteOf(pattern: string, { rewrites }: App): Rule | undefined {
  const segments = parsePattern(pattern)
  const rule = rewrites.find(({ source }) => isCovered(segments, parsePattern(source)))
  const isTarget = rewrites.some(({ destination }) => overlaps(destination, segments))
  return isTarget ? undefined : rule
}

/** Returns whether a rewrite's destination, such as `/new/[slug]?old`, can lead to a pattern. */
function overlaps(destination: string, segments: readonly Segment[]): boolean {
  const steps = destination
    .replace(/[?#].*$/, '')
    .split('/')
    .slice(1)
  for (let at = 0; ; at++) {
    const segment = segments[at]
    const step = steps[at]
    if (segment?.kind.endsWith('catch-all') || step?.includes('...')) return true
    if (segment === undefined || step === undefined) return segment === undefined && step === undefined
    if (segment.kind === 'static' && !step.includes('[') && decodeURIComponent(step) !== segment.name) return false
  }
}

/** Returns operations whose `response` lists statuses, with the other statuses that their types can send. */
function undeclared(
  { routes, use, problems }: App,
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
  const inferred = readStatuses(file, exportName)
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
    // byway itself sends these for invalid input.
    if (declaration.query || declaration.headers || toBodyKind(declaration)) known.add(400)
    if (toBodyKind(declaration)) known.add(413).add(415)
    if (route.params.length) known.add(404)
    // The app's own error format can send another status.
    for (const [from, to] of Object.entries(problems?.statuses ?? {})) if (known.has(Number(from))) known.add(to)
    const own = inferred.find((one) => one.pattern === route.pattern && one.method === method)
    // A redirect has no content to describe. A type with every status of success tells nothing about them.
    const all = own?.statuses ?? []
    const isUnknown = all.includes(203) && all.includes(226)
    const statuses = all.filter((status) => !known.has(status) && (status >= 400 || (status < 300 && !isUnknown)))
    return statuses.length ? [{ declared, statuses }] : []
  })
}

// Without a compiler, the other checks still run.
function readStatuses(file: string, exportName: string): readonly AppAnswers[] {
  try {
    return readCalls(file, { exportName, onWarning: () => {} }).answers
  } catch (error) {
    if (!(error instanceof CodegenError)) throw error
    process.stderr.write(`byway: the statuses of responses were not checked: ${error.message}\n`)
    return []
  }
}

const isMutating = ({ method }: RouteOperation): boolean => method === 'POST' || method === 'PUT' || method === 'PATCH'

/** Returns whether `outer` matches every pathname that `inner` matches. */
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

// Request headers that a cached response must not depend on.
const probe = {
  cookie: 'byway-doctor=1',
  authorization: 'Bearer byway-doctor',
  'accept-language': 'tlh',
  'user-agent': 'byway-doctor',
}

/** Requests one response of a cached route, and reports if it is not cached or a server error. */
async function checkCache(declared: Declared, app: LoadedApp['app'], { basePath }: App, report: Report): Promise<void> {
  const { route } = declared
  const known = await firstParams(route)
  const path = toPath(route.pattern, (known ?? toSample(route.pattern)) as Record<string, never>)
  const request = new Request(`http://localhost${basePath}${path}?byway-doctor=1`, { headers: probe })
  const response = await app.fetch(request)
  await response.text().catch(() => '')
  const [, reads] = /(?:^|[;,]\s*)detail="?(reads [^"]*)"?/.exec(response.headers.get('cache-status') ?? '') ?? []
  if (reads !== undefined)
    report(
      declared,
      `is not cached: for ${path} it ${reads}, which is not part of the cache key; add it to the key (vary, key, a declared input), or remove the cache`,
    )
  // The machine of a CI job can lack a database.
  if (response.status >= 500)
    report(declared, `responds with ${response.status} for ${path}; check its handler`, 'note')
}

async function firstParams(route: RouteData): Promise<object | undefined> {
  if (!route.pattern.includes('[')) return {}
  const [first] =
    (await staticParamsOf(route)
      ?.load(route.pattern)
      .catch(() => undefined)) ?? []
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
    .summary('check an app for likely mistakes')
    .description(
      'Finds unreachable routes, schemas whose values cannot be sent, undeclared statuses, cached routes whose responses are not ' +
        "cached, and files with 'use cache'. " +
        'Requests each cached route once, unless --no-run is set. Exits with 1 if it finds a mistake, not for a note.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('--no-run', 'do not request cached routes')
    .option('--json', 'print JSON')
    .action(async (file: string | undefined, options: { export?: string; run: boolean; json?: boolean }) => {
      const loaded = await loadApp(file, options.export)
      const findings = await diagnose(loaded, options.run)
      const mistakes = findings.filter(({ level }) => level === 'mistake').length
      const text = findings
        .map(
          ({ level, method, pattern, source, message }) =>
            `${[`${method} ${pattern}`.trim(), source].filter(Boolean).join('  ')}\n  ${level === 'note' ? 'note: ' : ''}${message}\n`,
        )
        .join('\n')
      await writeResult(options.json ? `${JSON.stringify(findings, undefined, 2)}\n` : text, undefined)
      if (!options.json)
        process.stderr.write(
          mistakes
            ? `byway: found ${mistakes} likely mistake${mistakes === 1 ? '' : 's'}\n`
            : 'byway: found no mistakes\n',
        )
      await loaded.app.settled()
      if (mistakes) process.exitCode = 1
    })
}
