import type { Command } from 'commander'
import { prerender, PrerenderError } from '../prerender/prerender.js'
import { CommandError } from './command-error.js'
import { loadApp } from './load-app.js'
import { writeResult } from './output.js'
import { formatTable } from './table.js'

export function addPrerender(program: Command): void {
  program
    .command('prerender')
    .summary('fill the caches of an app at build time')
    .description(
      'Requests every cached GET route without params or with generateStaticParams, so that its cache has the response. ' +
        'With --out-dir, also writes each response to a file.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option(
      '--base-url <url>',
      "the app's URL in production, because its origin is part of the cache key",
      'http://localhost:3000',
    )
    .option('--out-dir <folder>', 'the folder for the responses as files')
    .option('--json', 'print the result as JSON')
    .action(
      async (
        file: string | undefined,
        options: { export?: string; baseUrl: string; outDir?: string; json?: boolean },
      ) => {
        const { app } = await loadApp(file, options.export)
        const { baseUrl, outDir } = options
        if (!URL.canParse(baseUrl))
          throw new CommandError(`--base-url must be a URL such as https://api.example, not ${baseUrl}`)
        const result = await prerender(app, { baseUrl, ...(outDir !== undefined && { outDir }) }).catch(
          (error: unknown) => {
            throw error instanceof PrerenderError ? new CommandError(error.message, { cause: error }) : error
          },
        )
        const { pages, skipped } = result
        for (const pattern of skipped)
          process.stderr.write(
            `byway: ${pattern} is skipped: it has params without generateStaticParams, or a cache with the option key\n`,
          )
        await writeResult(
          options.json
            ? `${JSON.stringify(result, undefined, 2)}\n`
            : formatTable(
                ['STATUS', 'BYTES', 'PATHNAME', 'FILE'],
                pages.map((page) => [String(page.status), String(page.bytes), page.pathname, page.file ?? '']),
              ),
          undefined,
        )
        await app.settled()
      },
    )
}
