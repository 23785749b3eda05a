import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, it } from 'vitest'
import { freePort } from './redis.js'

const run = promisify(execFile)

/** A real PostgreSQL server with an empty database. */
export interface PostgresServer {
  readonly url: string
  /** Returns the output of psql for a query. */
  query(sql: string): Promise<string>
  close(): Promise<void>
}

// Debian's packages put the server there, for each version.
const root = '/usr/lib/postgresql'
const programs = existsSync(root)
  ? readdirSync(root)
      .map((version) => join(root, version, 'bin'))
      .find((path) => existsSync(join(path, 'initdb')))
  : undefined

/** `describe` if PostgreSQL is installed. Otherwise the tests are skipped, or fail in CI. */
export function describeWithPostgres(name: string, tests: () => void): void {
  if (programs) describe(name, tests)
  else if (process.env['CI'])
    it(name, () => {
      throw new Error('postgresql is not installed.')
    })
  else describe.skip(`${name} (postgresql is not installed)`, tests)
}

export async function startPostgres(): Promise<PostgresServer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'byway-postgres-'))
  // PostgreSQL does not run as root.
  const user = userInfo().uid === 0 ? idsOf('postgres') : undefined
  if (user) chownSync(folder, user.uid, user.gid)
  const options = { ...user, cwd: folder, timeout: 120_000 }
  const data = join(folder, 'data')
  await run(join(programs!, 'initdb'), ['-D', data, '-A', 'trust', '-U', 'byway', '--no-sync'], options)
  const settings = ['-D', data, '-p', String(port), '-h', '127.0.0.1', '-k', folder, '-F']
  const child = spawn(join(programs!, 'postgres'), settings, { ...user, cwd: folder, stdio: 'ignore' })
  const kill = (): unknown => child.kill('SIGKILL')
  process.once('exit', kill)

  const url = `postgres://byway@127.0.0.1:${port}/postgres`
  const query = async (sql: string): Promise<string> =>
    (await run(join(programs!, 'psql'), [url, '-Atc', sql], { timeout: 10_000 })).stdout.trim()
  const close = async (): Promise<void> => {
    process.removeListener('exit', kill)
    if (child.exitCode === null && child.signalCode === null) {
      const exit = once(child, 'exit')
      child.kill('SIGQUIT')
      await exit
    }
    rmSync(folder, { recursive: true, force: true })
  }
  try {
    while ((await query('select 1').catch(() => '')) !== '1') {
      if (child.exitCode !== null) throw new Error(`postgres ended with ${child.exitCode}.`)
      await sleep(50)
    }
  } catch (error) {
    await close()
    throw error
  }
  return { url, query, close }
}

const idsOf = (name: string): { uid: number; gid: number } => ({
  uid: Number(execFileSync('id', ['-u', name])),
  gid: Number(execFileSync('id', ['-g', name])),
})
