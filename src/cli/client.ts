import type { Command } from 'commander'
import { writeClient } from '../codegen/client.js'
import { findAppFile } from './load-app.js'
import { writeResult } from './output.js'
import { toOptions, type CodegenFlags } from './types.js'

export function addClient(program: Command): void {
  program
    .command('client')
    .summary('write a typed client that needs no package')
    .description(
      'Writes a typed client as one file that needs no package, for a repository that cannot import the types of the server.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('--tsconfig <file>', 'how to compile it (default: the nearest tsconfig.json)')
    .option('-o, --output <file>', 'a file to write to, in place of stdout')
    .action((file: string | undefined, flags: CodegenFlags) =>
      writeResult(writeClient(findAppFile(file), toOptions(flags)), flags.output),
    )
}
