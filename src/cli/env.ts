import { existsSync, readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { Command } from 'commander'
import { CommandError } from './command-error.js'

/** The environment files of a command. */
export const toEnvFiles = ({ envFile = [] }: { envFile?: readonly string[] }): readonly string[] =>
  (envFile.length ? envFile : existsSync('.env') ? ['.env'] : []).map((file) => resolve(file))

/**
 * Adds `--env-file` to a command, and loads the files before the command runs. A variable that is set already keeps its value.
 */
export function loadsEnv(command: Command): void {
  command
    .option(
      '--env-file <file>',
      'a file with environment variables, instead of .env; can be repeated',
      (file, all: string[]) => [...all, file],
      [],
    )
    .hook('preAction', (_command, { opts }) => {
      // The first value of a variable wins in Node.js, and the last file must win here.
      for (const file of toEnvFiles(opts.call(command)).toReversed()) loadEnv(file)
    })
}

function loadEnv(file: string): void {
  try {
    process.loadEnvFile(file)
  } catch (error) {
    throw new CommandError(`${relative(process.cwd(), file)} could not be read: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** Returns the environment without the variables of these files, so that another process can load them again. */
export function withoutEnvFiles(files: readonly string[]): NodeJS.ProcessEnv {
  const env = { ...process.env }
  for (const file of files)
    for (const [name, value] of Object.entries(parseEnv(readFileSync(file, 'utf8'))))
      if (env[name] === value) delete env[name]
  return env
}
