#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command, CommanderError } from 'commander'
import { CodegenError } from '../codegen/typescript.js'
import { addBuild } from './build.js'
import { addClient } from './client.js'
import { CommandError } from './command-error.js'
import { addDoctor } from './doctor.js'
import { loadsEnv } from './env.js'
import { addNew } from './new.js'
import { addNext } from './next.js'
import { addOpenApi } from './openapi.js'
import { addPrerender } from './prerender.js'
import { addRequest } from './request.js'
import { addRoutes } from './routes.js'
import { addServe } from './serve.js'
import { cleanError } from './source.js'
import { addTypes } from './types.js'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

// Exit codes: 0 for success, 1 for a failure or a finding of `doctor`, 2 for wrong arguments.
const program = new Command('byway')
  .description(
    'Serves and requests a byway app, lists and checks its routes, and generates clients, types, OpenAPI documents and manifests of Next.js apps.',
  )
  .version(version)
  .showHelpAfterError('(byway --help lists the commands)')
  .exitOverride()
for (const add of [
  addServe,
  addRequest,
  addRoutes,
  addDoctor,
  addTypes,
  addClient,
  addOpenApi,
  addPrerender,
  addBuild,
  addNext,
  addNew,
])
  add(program)
// Subcommands take over the program's error handling and help settings.
for (const command of program.commands) {
  command.copyInheritedSettings(program)
  // These read an app's types or files, and do not run it.
  if (!['types', 'client', 'next', 'new'].includes(command.name())) loadsEnv(command)
}

try {
  await program.parseAsync()
  // An app's open handles, such as a connection pool, would keep the process running.
  if (program.args[0] !== 'serve') process.exit()
} catch (error) {
  if (error instanceof CommanderError) process.exit(error.exitCode === 0 ? 0 : 2)
  cleanError(error)
  process.stderr.write(
    error instanceof CommandError || error instanceof CodegenError
      ? `byway: ${error.message}\n`
      : `byway: ${error instanceof Error ? error.stack : String(error)}\n`,
  )
  process.exit(1)
}
