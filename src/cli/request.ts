import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { buffer } from 'node:stream/consumers'
import type { Command } from 'commander'
import { CommandError } from './command-error.js'
import { loadApp } from './load-app.js'
import { cleanConsole } from './source.js'

interface RequestFlags {
  readonly export?: string
  readonly request?: string
  readonly header: readonly string[]
  readonly data?: string
  readonly include?: boolean
}

export function addRequest(program: Command): void {
  program
    .command('request')
    .summary('send a request to an app without a server')
    .description(
      'Sends a request to an app, and writes the response body to stdout and the status to stderr. Exits with 1 for a status ' +
        'of 400 or more.',
    )
    .argument(
      '<file-and-path...>',
      'the module whose default export is the router, and the path with the query: app.ts /items',
    )
    .option('--export <name>', 'the export that is the router')
    .option('-X, --request <method>', 'the method (default: GET, or POST with --data)')
    .option(
      '-H, --header <header>',
      "a header such as 'accept: text/html'; can be repeated",
      (one, all: string[]) => [...all, one],
      [],
    )
    .option(
      '-d, --data <text>',
      'the body, as JSON unless a header has another content-type; @file reads a file, @- reads stdin',
    )
    .option('-i, --include', 'write the status and the headers to stdout, before the body')
    .action(async (given: readonly string[], flags: RequestFlags) => {
      const path = given.at(-1)!
      if (given.length > 2 || !path.startsWith('/'))
        throw new CommandError(`request takes a file and a path, such as app.ts /items, not ${given.join(' ')}`)
      cleanConsole()
      const request = await toRequest(path, flags)
      const { app } = await loadApp(given.length > 1 ? given[0] : undefined, flags.export)
      const started = performance.now()
      const response = await app.fetch(request)
      const { status, headers } = response
      const time = Math.round(performance.now() - started)
      if (flags.include)
        await write(`HTTP ${status}\n${[...headers].map(([name, value]) => `${name}: ${value}\n`).join('')}\n`)
      else
        process.stderr.write(
          `byway: ${[status, headers.get('content-type'), `${time} ms`].filter(Boolean).join(', ')}\n`,
        )
      for await (const chunk of response.body ?? []) await write(chunk)
      if (process.stdout.isTTY) await write('\n')
      await app.settled()
      if (status >= 400) process.exitCode = 1
    })
}

async function toRequest(path: string, { request, header, data }: RequestFlags): Promise<Request> {
  const headers = new Headers()
  for (const line of header) {
    const [, name, value] = /^([^:\s]+)\s*:\s*(.*)$/.exec(line) ?? []
    if (name === undefined)
      throw new CommandError(`--header takes a name and a value, such as 'accept: text/html', not ${line}`)
    headers.append(name, value!)
  }
  const body = data === undefined ? null : await toBody(data)
  if (body !== null && !headers.has('content-type')) headers.set('content-type', 'application/json')
  const method = request ?? (body === null ? 'GET' : 'POST')
  try {
    return new Request(`http://localhost:${process.env['PORT'] || 3000}${path}`, {
      method: method.toUpperCase(),
      headers,
      body,
    })
  } catch (error) {
    throw new CommandError(`the request is invalid: ${(error as Error).message}`, { cause: error })
  }
}

async function toBody(data: string): Promise<string | Uint8Array<ArrayBuffer>> {
  if (!data.startsWith('@')) return data
  if (data === '@-') return new Uint8Array(await buffer(process.stdin))
  try {
    return new Uint8Array(await readFile(data.slice(1)))
  } catch (error) {
    throw new CommandError(`--data ${data} could not be read: ${(error as Error).message}`, { cause: error })
  }
}

async function write(chunk: string | Uint8Array): Promise<void> {
  if (!process.stdout.write(chunk)) await once(process.stdout, 'drain')
}
