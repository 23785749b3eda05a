import type { Command } from 'commander'
import type { CodegenOptions } from '../codegen/app-calls.js'
import { writeTypes } from '../codegen/types.js'
import { findAppFile } from './load-app.js'
import { writeResult } from './output.js'

export interface CodegenFlags {
  readonly export?: string
  readonly tsconfig?: string
  readonly output?: string
}

export function addTypes(program: Command): void {
  program
    .command('types')
    .summary("write the types of an app's routes")
    .description(
      'Writes a declaration file of the routes, for createClient<App>(): a call against it costs the compiler the same however many routes there are, and it needs none of the files of the server.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('--tsconfig <file>', 'how to compile it (default: the nearest tsconfig.json)')
    .option('-o, --output <file>', 'a file to write to, in place of stdout')
    .action((file: string | undefined, flags: CodegenFlags) =>
      writeResult(writeTypes(findAppFile(file), toOptions(flags)), flags.output),
    )
}

/** What the flags are to those who write code. */
export const toOptions = ({ export: exportName, tsconfig }: CodegenFlags): CodegenOptions => ({
  ...(exportName !== undefined && { exportName }),
  ...(tsconfig !== undefined && { tsconfig }),
  onWarning: (warning: string): void => void process.stderr.write(`byway: ${warning}\n`),
})
