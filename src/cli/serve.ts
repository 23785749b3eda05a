import { spawn, type ChildProcess } from 'node:child_process'
import { dirname, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InvalidArgumentError, type Command } from 'commander'
import { serve } from '../hosts/node.js'
import type { Router } from '../router.js'
import { CommandError } from './command-error.js'
import { toEnvFiles, withoutEnvFiles } from './env.js'
import { findAppFile, loadApp } from './load-app.js'
import { createLoader } from './loader.js'
import { cleanConsole } from './source.js'
import { createWatcher } from './watch.js'

interface ServeFlags {
  readonly export?: string
  readonly port?: number
  readonly hostname?: string
  readonly watch?: boolean
  readonly log?: boolean
  readonly envFile: readonly string[]
}

export function addServe(program: Command): void {
  program
    .command('serve')
    .summary('serve an app over HTTP')
    .description(
      'Serves an app over HTTP. On SIGINT or SIGTERM, stops accepting connections and waits up to 10 seconds for requests in progress.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('-p, --port <number>', 'the port to listen on; 0 for any free port (default: $PORT, or 3000)', toPort)
    .option('--hostname <name>', 'the host name or address to listen on (default: all addresses)')
    .option('-w, --watch', 'restart when a file changes that the app has loaded from outside node_modules')
    .option('--log', 'print each request to stderr (default in a terminal)')
    .option('--no-log', 'print no requests')
    .action((file: string | undefined, flags: ServeFlags) =>
      flags.watch ? serveAndWatch(findAppFile(file), toEnvFiles(flags)) : serveOnce(findAppFile(file), flags),
    )
}

function toPort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('Use a number from 0 to 65535.')
}

async function serveOnce(file: string, { export: exportName, hostname, log, ...flags }: ServeFlags): Promise<void> {
  const port = flags.port ?? toPort(process.env['PORT'] || '3000')
  cleanConsole()
  const loader = createLoader(file)
  // The process that watches has started this one, and needs the files also if the app cannot be loaded.
  let reported = 0
  const report = async (isLoaded: boolean): Promise<void> => {
    if (!process.send) return
    const files = [...loader.files(file)]
    if (files.length !== reported) await new Promise((resolve) => process.send!({ files, isLoaded }, resolve))
    reported = files.length
  }
  const { app, data } = await loadApp(file, exportName, loader).catch(async (error: unknown) => {
    await report(false)
    throw error
  })
  await report(true)
  // A module can be imported by a later request.
  if (process.send) setInterval(() => void report(true), 1_000).unref()
  const isLogged = log ?? process.stderr.isTTY
  const server = serve((isLogged ? { ...app, fetch: toLogged(app.fetch) } : app) as never, {
    port,
    ...(hostname !== undefined && { hostname }),
  })
  try {
    await server.ready
  } catch (error) {
    const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new CommandError(`port ${port} is in use; choose another with --port, or --port 0 for any free port`, {
        cause: error,
      })
    if (code === 'EACCES')
      throw new CommandError(`this user cannot open port ${port}; choose one above 1023 with --port`, { cause: error })
    throw error
  }
  const count = data.routes.reduce((sum, { route }) => sum + route.operations.size, 0)
  process.stdout.write(
    `${relative(process.cwd(), file)}: ${count} operation${count === 1 ? '' : 's'} at ${server.url}${data.basePath}/\n`,
  )
}

/** Prints the method, path, status and time of each request. */
function toLogged(fetch: Router<unknown>['fetch']): Router<unknown>['fetch'] {
  return async (request, ...host) => {
    const { pathname, search } = new URL(request.url)
    const started = performance.now()
    const response = await fetch(request, ...host)
    const time = Math.round(performance.now() - started)
    process.stderr.write(`${request.method} ${pathname}${search} ${response.status} ${time} ms\n`)
    return response
  }
}

// Each restart is a new process, so that all modules are loaded again.
async function serveAndWatch(file: string, envFiles: readonly string[]): Promise<void> {
  const args = [
    fileURLToPath(new URL('main.js', import.meta.url)),
    ...process.argv.slice(2).filter((arg) => arg !== '--watch' && arg !== '-w'),
  ]
  const env = withoutEnvFiles(envFiles)
  // A new file is loaded too.
  const configuring = envFiles.length ? envFiles : [resolve('.env')]
  let child: ChildProcess | undefined
  let restart: ReturnType<typeof setTimeout> | undefined
  // Whether the child was stopped for a restart.
  let isStopped = false
  let isEnding = false

  const start = (): void => {
    isStopped = false
    child = spawn(process.execPath, [...process.execArgv, ...args], {
      env,
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    })
    child.on('message', ({ files, isLoaded }: { files: readonly string[]; isLoaded: boolean }) =>
      watcher.watch([file, ...configuring, ...files], !isLoaded),
    )
    child.once('exit', (code, signal) => {
      child = undefined
      if (isEnding) process.exit(code ?? 0)
      if (!isStopped && signal === null) process.stderr.write('byway: the app has exited; waiting for a change\n')
    })
  }
  const restartChild = (): void => {
    restart = undefined
    if (!child) return start()
    if (isStopped) return
    isStopped = true
    const old = child
    // In development, requests in progress can be cut off after a second.
    const kill = setTimeout(() => old.kill('SIGKILL'), 1_000)
    old.once('exit', () => {
      clearTimeout(kill)
      if (!isEnding) start()
    })
    old.kill('SIGTERM')
  }
  const watcher = createWatcher(dirname(file), (path) => {
    if (isEnding) return
    clearTimeout(restart)
    restart = setTimeout(() => {
      process.stderr.write(`byway: ${relative(process.cwd(), path)} has changed\n`)
      restartChild()
    }, 100)
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => {
      isEnding = true
      watcher.close()
      if (child) child.kill(signal)
      else process.exit(0)
    })
  watcher.watch([file, ...configuring], true)
  start()
  await new Promise(() => {})
}
