import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'

/** A Redis on a free port that keeps nothing on disk and ends with this process; `undefined` where none is installed. */
export async function startRedis(): Promise<string | undefined> {
  const port = await freePort()
  const settings = { port: String(port), bind: '127.0.0.1', save: '', appendonly: 'no', dir: tmpdir() }
  const words = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
  const server = spawn('redis-server', words, { stdio: 'ignore' })
  let failure: Error | undefined
  server.once('error', (error) => (failure = error))
  server.once('exit', (code) => (failure ??= new Error(`redis-server ended with ${code}.`)))
  process.once('exit', () => server.kill())
  for (let tries = 0; tries < 200; tries++) {
    if (failure && 'code' in failure && failure.code === 'ENOENT') return undefined
    if (failure) throw failure
    if (await isOpen(port)) return `redis://127.0.0.1:${port}`
    await sleep(25)
  }
  throw new Error('redis-server did not start.')
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await once(server.close(), 'close')
  return port
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
