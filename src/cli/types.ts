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
      'Writes a declaration file of the routes for createClient<App>(). It imports no file of the server, and the time to compile a call does not grow with the number of routes.',
    )
    .argument('[file]', 'the module whose default export is the router')
    .option('--export <name>', 'the export that is the router')
    .option('--tsconfig <file>', 'the tsconfig that the app compiles with (default: the nearest tsconfig.json)')
    .option('-o, --output <file>', 'the file to write, instead of stdout')
    .action((file: string | undefined, flags: CodegenFlags) =>
      writeResult(writeTypes(findAppFile(file), toOptions(flags)), flags.output),
    )
}

/** Converts the command's flags to options of the code generator. */
export const toOptions = ({ export: exportName, tsconfig }: CodegenFlags): CodegenOptions => ({
  ...(exportName !== undefined && { exportName }),
  ...(tsconfig !== undefined && { tsconfig }),
  onWarning: (warning: string): void => void process.stderr.write(`byway: ${warning}\n`),
})
