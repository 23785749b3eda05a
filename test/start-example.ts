import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** A running example. */
export interface StartedExample {
  /** Without a slash at its end. */
  readonly url: string
  readonly child: ChildProcess
  /** Everything that it has printed. */
  output(): string
  /** Sends SIGTERM, and resolves to the exit code. */
  stop(): Promise<number | null>
}

/** Runs a file of an example as `npm start` does. Resolves when it prints its URL, and rejects with its output if it ends before. */
export const startExample = (folder: string, env: NodeJS.ProcessEnv): Promise<StartedExample> =>
  startCommand(folder, [process.execPath, '--import', 'tsx', 'main.ts'], env)

/** The same for another command. */
export async function startCommand(
  folder: string,
  [command, ...args]: readonly [string, ...string[]],
  env: NodeJS.ProcessEnv = {},
): Promise<StartedExample> {
  const child = spawn(command, args, { cwd: folder, env: { ...process.env, PORT: '0', NO_COLOR: '1', ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text))
  const exit = once(child, 'exit') as Promise<[number | null]>
  const url = new Promise<string>((resolve) => {
    child.stdout.on('data', () => {
      const [found] = /http:\/\/[^\s/]+(?=[\s/])/.exec(output) ?? []
      if (found) resolve(found)
    })
  })
  const ended = exit.then(() => {
    throw new Error(`the example ended: ${output}`)
  })
  return {
    url: await Promise.race([url, ended]),
    child,
    output: () => output,
    async stop() {
      child.kill('SIGTERM')
      const [code] = await exit
      return code
    },
  }
}
