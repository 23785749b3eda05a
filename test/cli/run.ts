import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

export const command: string = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
export const fixtures: string = fileURLToPath(new URL('fixtures/', import.meta.url))

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs the built command until it exits, with pipes instead of a terminal. */
export const byway = (...args: readonly string[]): Promise<Ran> => bywayIn({}, ...args)

interface Surroundings {
  /** @default the folder of the fixtures */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  /** @default '' */
  readonly input?: string
}

export async function bywayIn({ cwd = fixtures, env, input }: Surroundings, ...args: readonly string[]): Promise<Ran> {
  const child = spawn(process.execPath, [command, ...args], { cwd, env: { ...process.env, ...env } })
  child.stdin.end(input)
  child.stdout.setEncoding('utf8')
  child.stderr.setEncoding('utf8')
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (text: string) => (output.stdout += text))
  child.stderr.on('data', (text: string) => (output.stderr += text))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, ...output }
}

/** Starts the built command, in the folder of the fixtures. */
export function start(...args: readonly string[]): ChildProcess {
  const child = spawn(process.execPath, [command, ...args], { cwd: fixtures, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout!.setEncoding('utf8')
  child.stderr!.setEncoding('utf8')
  return child
}
