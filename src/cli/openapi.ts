import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { openapi } from '../openapi/openapi.js'
import { loadApp } from './load-app.js'
import { writeResult } from './output.js'

interface OpenApiFlags {
  readonly export?: string
  readonly title?: string
  readonly apiVersion?: string
  readonly server: readonly string[]
  readonly output?: string
}

export function addOpenApi(program: Command): void {
  program
    .command('openapi')
    .summary('write the OpenAPI document of an app')
    .description(
      'Writes the OpenAPI 3.1 document of an app as JSON. Warnings about parts that it cannot describe go to stderr.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('--title <text>', "the title of the API (default: the package's name)")
    .option('--api-version <version>', "the version of the API (default: the package's version)")
    .option('--server <url>', 'a base URL of the API; can be repeated', (url, all: string[]) => [...all, url], [])
    .option('-o, --output <file>', 'the file to write, instead of stdout')
    .action(async (given: string | undefined, flags: OpenApiFlags) => {
      const { app, file } = await loadApp(given, flags.export)
      const { name = 'API', version = '0.0.0' } = packageAbove(dirname(file))
      const document = openapi(app, {
        info: { title: flags.title ?? name, version: flags.apiVersion ?? version },
        ...(flags.server.length && { servers: flags.server.map((url) => ({ url })) }),
        onWarning: (warning) => process.stderr.write(`byway: ${warning}\n`),
      })
      await writeResult(`${JSON.stringify(document, undefined, 2)}\n`, flags.output)
    })
}

// Returns the nearest package.json above the app.
function packageAbove(folder: string): { name?: string; version?: string } {
  const file = join(folder, 'package.json')
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string }
  return dirname(folder) === folder ? {} : packageAbove(dirname(folder))
}
