// A host for the Build Output API: https://vercel.com/docs/build-output-api. Only the parts that byway writes.
import { AsyncLocalStorage } from 'node:async_hooks'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { isBuiltin } from 'node:module'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { pathToFileURL } from 'node:url'

interface Route {
  readonly src?: string
  readonly dest?: string
  readonly methods?: readonly string[]
  readonly handle?: string
}
interface Config {
  readonly version: number
  readonly routes: readonly Route[]
  readonly overrides?: { readonly [file: string]: { readonly path?: string; readonly contentType?: string } }
}
export interface FunctionConfig {
  readonly runtime: string
  readonly handler?: string
  readonly entrypoint?: string
  readonly launcherType?: string
  readonly shouldAddHelpers?: boolean
  readonly supportsResponseStreaming?: boolean
  readonly regions?: readonly string[]
  readonly maxDuration?: number
}

const readJson = <value>(file: string): value => JSON.parse(readFileSync(file, 'utf8')) as value

export const readConfig = (output: string): Config => readJson(join(output, 'config.json'))
export const readFunction = (output: string, name: string): FunctionConfig =>
  readJson(join(output, `functions/${name}.func/.vc-config.json`))

type Found = { readonly file: string; readonly type: string } | { readonly name: string }

/** Returns the output at a path: a file, or a function. `index` is the function of its folder. */
function outputAt(output: string, path: string): Found | undefined {
  const { overrides = {} } = readConfig(output)
  for (const [file, { path: own, contentType }] of Object.entries(overrides))
    if (`/${own ?? file}` === path) return { file: join(output, 'static', file), type: contentType! }
  const name = [path, join(path, 'index')].find((name) => existsSync(join(output, `functions${name}.func`)))
  return name === undefined ? undefined : { name: name.slice(1) }
}

/** Runs the phases: the routes before `handle: 'filesystem'`, the outputs, then the routes after it. */
export function resolve(output: string, method: string, pathname: string): Found | undefined {
  for (const { handle, src, dest, methods } of readConfig(output).routes) {
    if (handle === 'filesystem') {
      const found = outputAt(output, pathname)
      if (found) return found
    } else if ((!methods || methods.includes(method)) && new RegExp(src!).test(pathname)) return outputAt(output, dest!)
  }
  return undefined
}

/** Serves a build. The header `x-function` of a response names the function that made it. */
export async function serveBuild(output: string): Promise<{ url: string; server: Server }> {
  const server = createServer((incoming, outgoing) => {
    handle(output, incoming, outgoing).catch((error: unknown) => {
      process.stderr.write(`${String(error)}\n`)
      outgoing.destroy()
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

async function handle(output: string, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const found = resolve(output, incoming.method!, new URL(incoming.url!, 'http://localhost').pathname)
  if (!found) return void outgoing.writeHead(404).end()
  if ('file' in found) {
    if (incoming.method !== 'GET' && incoming.method !== 'HEAD') return void outgoing.writeHead(405).end()
    return void outgoing.writeHead(200, { 'content-type': found.type }).end(readFileSync(found.file))
  }
  outgoing.setHeader('x-function', found.name)
  const folder = join(output, `functions/${found.name}.func`)
  const config = readFunction(output, found.name)
  if (config.runtime === 'edge') return runEdge(join(folder, config.entrypoint!), incoming, outgoing)
  const module = await import(pathToFileURL(join(folder, config.handler!)).href)
  module.default(incoming, outgoing)
}

// Globals that an edge function does not have. `process` has only the environment; `AsyncLocalStorage` is a global.
// https://vercel.com/docs/functions/runtimes/edge
const shadow =
  'const process = { env: {} }, Buffer = undefined, require = undefined, global = undefined, setImmediate = undefined;'

async function runEdge(file: string, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const code = readFileSync(file, 'utf8')
  const imported = [...code.matchAll(/\b(?:from|import|require)\b[\s(]*["']([^"']+)["']/g)].map(([, name]) => name!)
  const builtin = imported.find((name) => isBuiltin(name))
  if (builtin !== undefined) throw new Error(`the edge function imports ${builtin}`)
  Object.assign(globalThis, { AsyncLocalStorage })
  const alone = `${file}.alone.mjs`
  if (!existsSync(alone)) writeFileSync(alone, `${shadow}\n${code}`)
  const module = await import(pathToFileURL(alone).href)
  const { method, headers } = incoming
  const request = new Request(`http://${headers.host}${incoming.url}`, {
    method: method!,
    headers: headers as Record<string, string>,
    ...(method !== 'GET' && method !== 'HEAD' && { body: Readable.toWeb(incoming) as BodyInit, duplex: 'half' }),
  } as RequestInit)
  const response: Response = await module.default(request, { waitUntil() {} })
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  if (response.body) await pipeline(Readable.fromWeb(response.body as never), outgoing)
  else outgoing.end()
}
