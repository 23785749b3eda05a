// A host for the Build Output API: https://vercel.com/docs/build-output-api. Only the parts that byway writes.
import { existsSync, readFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'

interface Route {
  readonly src?: string
  readonly dest?: string
  readonly handle?: string
}
interface Config {
  readonly version: number
  readonly routes: readonly Route[]
  readonly overrides: { readonly [file: string]: { readonly path?: string; readonly contentType?: string } }
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

/** Returns the file and the media type for a pathname, or the name of its function. */
function resolve(output: string, pathname: string): { file?: string; type?: string; name?: string } | undefined {
  const { routes, overrides } = readConfig(output)
  let path = pathname
  for (const { handle, src, dest } of routes) {
    if (handle === 'filesystem') {
      for (const [file, { path: own, contentType }] of Object.entries(overrides))
        if (`/${own ?? file}` === path) return { file: join(output, 'static', file), type: contentType! }
      if (existsSync(join(output, `functions${path}.func`))) return { name: path.slice(1) }
    } else if (src && new RegExp(`^(?:${src})$`).test(path)) {
      path = dest!
      return { name: path.slice(1) }
    }
  }
  return undefined
}

/** Serves a build. The header `x-function` of a response names the function that made it. */
export async function serveBuild(output: string): Promise<{ url: string; server: Server }> {
  const server = createServer((incoming, outgoing) => void handle(output, incoming, outgoing))
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

async function handle(output: string, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  const found = resolve(output, new URL(incoming.url!, 'http://localhost').pathname)
  if (found?.file) return void outgoing.writeHead(200, { 'content-type': found.type }).end(readFileSync(found.file))
  const name = found!.name!
  outgoing.appendHeader('x-function', name)
  const { runtime, handler, entrypoint } = readFunction(output, name)
  const module = (await import(
    pathToFileURL(join(output, `functions/${name}.func`, (handler ?? entrypoint)!)).href
  )) as { default: (...args: unknown[]) => unknown }
  if (runtime !== 'edge') return void module.default(incoming, outgoing)
  const request = new Request(`http://${incoming.headers.host}${incoming.url}`, {
    method: incoming.method!,
    headers: incoming.headers as Record<string, string>,
  })
  const response = (await module.default(request, { waitUntil() {} })) as Response
  outgoing.writeHead(response.status, Object.fromEntries(response.headers))
  outgoing.end(Buffer.from(await response.arrayBuffer()))
}
