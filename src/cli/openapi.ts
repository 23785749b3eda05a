import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Command } from 'commander'
import { docsOptionsOf } from '../openapi/docs.js'
import type { OpenApiDocument } from '../openapi/document.js'
import { OpenApiError } from '../openapi/names.js'
import { openapi, type OpenApiOptions } from '../openapi/openapi.js'
import { CommandError } from './command-error.js'
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
      "Writes the OpenAPI 3.1 document of an app as JSON, with the options of the app's docs() if it has a page. Warnings about parts " +
        'that it cannot describe go to stderr.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('--title <text>', "the title of the API (default: that of docs(), or the package's name)")
    .option('--api-version <version>', "the version of the API (default: that of docs(), or the package's version)")
    .option('--server <url>', 'a base URL of the API; can be repeated', (url, all: string[]) => [...all, url], [])
    .option('-o, --output <file>', 'the file to write, instead of stdout')
    .action(async (given: string | undefined, flags: OpenApiFlags) => {
      const { app, data, file } = await loadApp(given, flags.export)
      const { name = 'API', version = '0.0.0' } = packageAbove(dirname(file))
      const { info, onMistake: _, ...docs }: OpenApiOptions = docsOptionsOf(data) ?? { info: { title: name, version } }
      const document = write(app, {
        ...docs,
        info: {
          ...info,
          ...(flags.title !== undefined && { title: flags.title }),
          ...(flags.apiVersion !== undefined && { version: flags.apiVersion }),
        },
        ...(flags.server.length && { servers: flags.server.map((url) => ({ url })) }),
        onWarning: (warning) => process.stderr.write(`byway: ${warning}\n`),
      })
      await writeResult(`${JSON.stringify(document, undefined, 2)}\n`, flags.output)
    })
}

function write(app: Parameters<typeof openapi>[0], options: OpenApiOptions): OpenApiDocument {
  try {
    return openapi(app, options)
  } catch (error) {
    throw error instanceof OpenApiError ? new CommandError(error.message, { cause: error }) : error
  }
}

// Returns the nearest package.json above the app.
function packageAbove(folder: string): { name?: string; version?: string } {
  const file = join(folder, 'package.json')
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as { name?: string; version?: string }
  return dirname(folder) === folder ? {} : packageAbove(dirname(folder))
}
