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
    .summary('serve an app on this machine')
    .description('Serves an app over HTTP. SIGINT and SIGTERM let what runs come to its end.')
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('-p, --port <number>', 'where to listen; 0 takes a free one', toPort, Number(process.env['PORT'] || 3000))
    .option('--hostname <name>', 'the name or address to listen on (default: every address of this machine)')
    .option('-w, --watch', 'serve anew when a file changes')
    .action((file: string | undefined, flags: ServeFlags) =>
      flags.watch ? serveAndWatch(findAppFile(file)) : serveOnce(file, flags),
    )
}

function toPort(text: string): number {
  const port = Number(text)
  if (/^\d+$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('It is a number from 0 to 65535.')
}

async function serveOnce(file: string | undefined, { export: exportName, port, hostname }: ServeFlags): Promise<void> {
  const { app, data, file: path } = await loadApp(file, exportName)
  const server = serve(app as never, { port, ...(hostname !== undefined && { hostname }) })
  try {
    await server.ready
  } catch (error) {
    const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException
    if (code === 'EADDRINUSE')
      throw new CommandError(`port ${port} is in use; name another by --port, or 0 for a free one`, { cause: error })
    if (code === 'EACCES')
      throw new CommandError(`port ${port} may not be opened by this user; name one above 1023`, { cause: error })
    throw error
  }
  const count = data.routes.reduce((sum, { route }) => sum + route.operations.size, 0)
  process.stdout.write(
    `${relative(process.cwd(), path)}: ${count} operation${count === 1 ? '' : 's'} at ${server.url}${data.basePath}/\n`,
  )
}

// Each time a process of its own, so that every module is loaded anew.
async function serveAndWatch(file: string): Promise<void> {
  const args = [
    fileURLToPath(new URL('main.js', import.meta.url)),
    ...process.argv.slice(2).filter((arg) => arg !== '--watch' && arg !== '-w'),
  ]
  let child: ChildProcess | undefined
  let restart: ReturnType<typeof setTimeout> | undefined
  // Whether the child ends because another one takes its place.
  let isStopped = false
  let isEnding = false

  const start = (): void => {
    isStopped = false
    child = spawn(process.execPath, [...process.execArgv, ...args], { stdio: 'inherit' })
    child.once('exit', (code, signal) => {
      child = undefined
      if (isEnding) process.exit(code ?? 0)
      if (!isStopped && signal === null) process.stderr.write('byway: waiting for a change\n')
    })
  }
  const again = (): void => {
    restart = undefined
    if (!child) return start()
    if (isStopped) return
    isStopped = true
    const old = child
    // Its answers under way are a developer's own: they need not wait for long.
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
      again()
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
