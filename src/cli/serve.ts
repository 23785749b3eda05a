import { spawn, type ChildProcess } from 'node:child_process'
import { dirname, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { InvalidArgumentError, type Command } from 'commander'
import { serve } from '../hosts/node.js'
import { CommandError } from './command-error.js'
import { findAppFile, loadApp } from './load-app.js'
import { watchSources } from './watch.js'

interface ServeFlags {
  readonly export?: string
  readonly port: number
  readonly hostname?: string
  readonly watch?: boolean
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
    .option(
      '-p, --port <number>',
      'the port to listen on; 0 for any free port',
      toPort,
      Number(process.env['PORT'] || 3000),
    )
    .option('--hostname <name>', 'the host name or address to listen on (default: all addresses)')
    .option('-w, --watch', "restart when a source file in the app's folder changes")
    .action((file: string | undefined, flags: ServeFlags) =>
      flags.watch ? serveAndWatch(findAppFile(file)) : serveOnce(file, flags),
    )
}

function toPort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('Use a number from 0 to 65535.')
}

async function serveOnce(file: string | undefined, { export: exportName, port, hostname }: ServeFlags): Promise<void> {
  const { app, data, file: path } = await loadApp(file, exportName)
  const server = serve(app as never, { port, ...(hostname !== undefined && { hostname }) })
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
    `${relative(process.cwd(), path)}: ${count} operation${count === 1 ? '' : 's'} at ${server.url}${data.basePath}/\n`,
  )
}

// Each restart is a new process, so that all modules are loaded again.
async function serveAndWatch(file: string): Promise<void> {
  const args = [
    fileURLToPath(new URL('main.js', import.meta.url)),
    ...process.argv.slice(2).filter((arg) => arg !== '--watch' && arg !== '-w'),
  ]
  let child: ChildProcess | undefined
  let restart: ReturnType<typeof setTimeout> | undefined
  // Whether the child was stopped for a restart.
  let isStopped = false
  let isEnding = false

  const start = (): void => {
    isStopped = false
    child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: 'inherit' })
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
  const stopWatching = watchSources(dirname(file), (path) => {
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
      stopWatching()
      if (child) child.kill(signal)
      else process.exit(0)
    })
  start()
  await new Promise(() => {})
}
