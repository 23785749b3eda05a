import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export interface Started {
  readonly url: string | undefined
  readonly output: () => string
  /** The processes that serve the app. */
  readonly pids: () => Promise<readonly number[]>
  stop(signal?: NodeJS.Signals): Promise<number>
}

/** What the one command runs, until it says what to try or ends. For the tests. */
export async function start(env: NodeJS.ProcessEnv = {}): Promise<Started> {
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('main.ts', import.meta.url))], {
    env: { ...process.env, PORT: '0', DATABASE_DELAY: '150', REDIS_URL: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close') as Promise<[code: number]>
  let output = ''
  const url = await new Promise<string | undefined>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        if (/\(\d+\), with [^]*\n$/.test(output)) resolve(/http:\S+/.exec(output)?.[0])
      })
    void ended.then(() => resolve(undefined))
  })
  return {
    url,
    output: () => output,
    async pids() {
      const { servers } = (await (await fetch(`${url}/demo/state`)).json()) as { servers: { pid: number }[] }
      return servers.map(({ pid }) => pid)
    },
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      return (await ended)[0]
    },
  }
}

export const hasRedis = ((): boolean => {
  try {
    execFileSync('redis-server', ['--version'])
    return true
  } catch {
    return false
  }
})()
