import type { Command } from 'commander'
import { writeClient } from '../codegen/client.js'
import { findAppFile } from './load-app.js'
import { writeResult } from './output.js'
import { toOptions, type CodegenFlags } from './types.js'

export function addClient(program: Command): void {
  program
    .command('client')
    .summary('write a typed client as one file')
    .description(
      'Writes a typed client as one file without imports, for a repository that cannot import the types of the server.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('--tsconfig <file>', 'the settings of the compiler (default: the nearest tsconfig.json)')
    .option('-o, --output <file>', 'the file to write to (default: stdout)')
    .action((file: string | undefined, flags: CodegenFlags) =>
      writeResult(writeClient(findAppFile(file), toOptions(flags)), flags.output),
    )
}
