#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { CodegenError } from '../codegen/typescript.js'
import { addClient } from './client.js'
import { CommandError } from './command-error.js'
import { addDoctor } from './doctor.js'
import { addOpenApi } from './openapi.js'
import { addPrerender } from './prerender.js'
import { addRoutes } from './routes.js'
import { addServe } from './serve.js'
import { addTypes } from './types.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

// 0: done. 1: it could not be done, or `doctor` has found something. 2: it was called wrongly.
const program = new Command('byway')
  .description('Serves an app of byway, tells of its routes, and writes what others need of them.')
  .version(version)
  .showHelpAfterError('(byway --help lists the commands)')
  .exitOverride()
for (const add of [addServe, addRoutes, addDoctor, addTypes, addClient, addOpenApi, addPrerender]) add(program)
// Options of the program are the commands' too.
for (const command of program.commands) command.copyInheritedSettings(program)

try {
  await program.parseAsync()
  // What an app keeps open, such as a pool of connections, must not keep a command from its end.
  if (program.args[0] !== 'serve') process.exit()
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  process.stderr.write(
    error instanceof CommandError || error instanceof CodegenError
      ? `byway: ${error.message}\n`
      : `byway: ${error instanceof Error ? error.stack : String(error)}\n`,
  )
  process.exit(1)
}
