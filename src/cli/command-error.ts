/** An error that the user of the command can fix. It is printed without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}
