import type { Command } from 'commander'
import { writeClient } from '../codegen/client.js'
import { findAppFile } from './load-app.js'
import { writeResult } from './output.js'
import { toOptions, type CodegenFlags } from './types.js'

export function addClient(program: Command): void {
  program
    .command('client')
    .summary('write a typed client without dependencies')
    .description(
      'Writes a typed client as one file without dependencies, for a repository that cannot import types from the server.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('--tsconfig <file>', 'the tsconfig that the app compiles with (default: the nearest tsconfig.json)')
    .option('-o, --output <file>', 'the file to write, instead of stdout')
    .action((file: string | undefined, flags: CodegenFlags) =>
      writeResult(writeClient(findAppFile(file), toOptions(flags)), flags.output),
    )
}
