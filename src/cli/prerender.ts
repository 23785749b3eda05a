import type { Command } from 'commander'
import { prerender, PrerenderError } from '../prerender/prerender.js'
import { CommandError } from './command-error.js'
import { loadApp } from './load-app.js'
import { writeResult } from './output.js'
import { formatTable } from './table.js'

export function addPrerender(program: Command): void {
  program
    .command('prerender')
    .summary('answer ahead what is known ahead')
    .description(
      'Answers every cached GET whose params are known ahead, so that its cache has it, and with --out-dir as files too.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('--base-url <url>', 'where the app will be: caches know an answer by its origin', 'http://localhost:3000')
    .option('--out-dir <folder>', 'a folder for the answers as files')
    .option('--json', 'the result as JSON')
    .action(
      async (
        file: string | undefined,
        options: { export?: string; baseUrl: string; outDir?: string; json?: boolean },
      ) => {
        const { app } = await loadApp(file, options.export)
        const { baseUrl, outDir } = options
        if (!URL.canParse(baseUrl))
          throw new CommandError(`--base-url is a URL such as https://api.example, not ${baseUrl}`)
        const result = await prerender(app, { baseUrl, ...(outDir !== undefined && { outDir }) }).catch(
          (error: unknown) => {
            throw error instanceof PrerenderError ? new CommandError(error.message, { cause: error }) : error
          },
        )
        const { pages, skipped } = result
        for (const pattern of skipped)
          process.stderr.write(
            `byway: ${pattern} is left out: what it answers is not known ahead (generateStaticParams, key)\n`,
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
