/** What the person who runs a command can mend: printed without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}
