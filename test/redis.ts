import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, it } from 'vitest'

const run = promisify(execFile)

/** A real redis-server, without persistence, that a test can stop and pause. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** Returns the output of redis-cli for a command. */
  command(...words: string[]): Promise<string>
  /** Kills it: its connections close, and new ones fail. */
  stop(): Promise<void>
  /** Starts it again on its port, without data. */
  start(): Promise<void>
  /** Suspends it: connections stay open and are accepted, but no command gets a reply. */
  pause(): void
  resume(): void
  /** Stops it, and removes its folder. */
  close(): Promise<void>
}

/** A cluster of three servers. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  close(): Promise<void>
}

const isInstalled = ((): boolean => {
  try {
    execFileSync('redis-server', ['--version'])
    return true
  } catch {
    return false
  }
})()

/** `describe`, where redis-server is installed: elsewhere its tests are skipped, but in CI they fail. */
export function describeWithRedis(name: string, tests: () => void): void {
  if (isInstalled) describe(name, tests)
  else if (process.env['CI'])
    it(name, () => {
      throw new Error('redis-server is not installed.')
    })
  else describe.skip(`${name} (redis-server is not installed)`, tests)
}

export async function startRedis(...options: string[]): Promise<RedisServer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'byway-redis-'))
  let child: ChildProcess | undefined
  const kill = (): unknown => child?.kill('SIGKILL')
  process.once('exit', kill)

  const command = async (...words: string[]): Promise<string> => {
    const { stdout } = await run('redis-cli', ['-h', '127.0.0.1', '-p', String(port), ...words], { timeout: 5_000 })
    return stdout.trim()
  }
  const start = async (): Promise<void> => {
    const settings = [
      '--port',
      String(port),
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
      '--dir',
      folder,
    ]
    child = spawn('redis-server', [...settings, ...options], { stdio: 'ignore' })
    for (let tries = 0; tries < 200; tries++) {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}.`)
      if ((await command('PING').catch(() => '')) === 'PONG') return
      await sleep(25)
    }
    throw new Error('redis-server did not start.')
  }
  const stop = async (): Promise<void> => {
    const stopped = child
    child = undefined
    if (!stopped || stopped.exitCode !== null || stopped.signalCode !== null) return
    const exit = once(stopped, 'exit')
    stopped.kill('SIGKILL')
    await exit
  }

  const close = async (): Promise<void> => {
    process.removeListener('exit', kill)
    await stop()
    rmSync(folder, { recursive: true, force: true })
  }

  try {
    await start()
  } catch (error) {
    await close()
    throw error
  }
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    command,
    stop,
    start,
    pause: () => void child?.kill('SIGSTOP'),
    resume: () => void child?.kill('SIGCONT'),
    close,
  }
}

export async function startRedisCluster(): Promise<RedisCluster> {
  const buses = [await freePort(), await freePort(), await freePort()]
  const settings = ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-port']
  const nodes = await Promise.all(buses.map((bus) => startRedis(...settings, String(bus))))
  const close = async (): Promise<void> => void (await Promise.all(nodes.map((node) => node.close())))
  try {
    await form(nodes, buses)
  } catch (error) {
    await close()
    throw error
  }
  return { nodes, close }
}

async function form(nodes: readonly RedisServer[], buses: readonly number[]): Promise<void> {
  const ranges = [
    ['0', '5460'],
    ['5461', '10922'],
    ['10923', '16383'],
  ]
  await Promise.all(
    nodes.map(async (node, index) => {
      await node.command('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1))
      await node.command('CLUSTER', 'ADDSLOTSRANGE', ...ranges[index]!)
    }),
  )
  for (const [index, { port }] of nodes.entries())
    await nodes[0]!.command('CLUSTER', 'MEET', '127.0.0.1', String(port), String(buses[index]))
  for (let tries = 0; ; tries++) {
    const states = await Promise.all(nodes.map((node) => node.command('CLUSTER', 'INFO')))
    if (states.every((state) => /cluster_state:ok/.test(state) && /cluster_known_nodes:3/.test(state))) return
    if (tries === 200) throw new Error('The cluster did not form.')
    await sleep(100)
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
