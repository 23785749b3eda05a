import type { AnyContext, Continued, Middleware } from '../middleware.js'
import { headerOf, withHeaders } from '#response'

export interface RequestIdOptions {
  /** The header that has the ID, in the response and in a trusted request. @default 'x-request-id' */
  readonly header?: string
  /**
   * Whether the ID that a request brings is used. Set it only if every request comes through a proxy that sets the header;
   * otherwise clients choose the IDs in your logs. An ID must consist of 1 to 128 letters, digits and `-_.:=+/`; any other
   * is replaced.
   * @default false
   */
  readonly trust?: boolean
  /** Creates an ID. @default crypto.randomUUID() */
  readonly generate?: () => string
}

/**
 * Adds `context.requestId`, and sends it with every response, including errors.
 *
 * @throws TypeError if `header` is not a header name.
 * @example
 * export default router({ items }, { use: [requestId(), logger()] })
 */
export function requestId({
  header = 'x-request-id',
  trust = false,
  generate = () => crypto.randomUUID(),
}: RequestIdOptions = {}): Middleware<AnyContext, Continued<{ requestId: string }>> {
  const name = header.toLowerCase()
  // Throws for a name that is not a token.
  new Headers().has(name)

  return function respondWithId({ headers }, _context, next) {
    const given = trust ? headers.get(name) : null
    const id = given !== null && grammar.test(given) ? given : generate()
    const pair = [[name, id]] as const
    return next(
      { requestId: id },
      {
        map: (response) =>
          withHeaders(response, headerOf(response, name) === null ? pair : (headers) => headers.set(name, id)),
      },
    )
  }
}

const grammar = /^[\w.:=+/-]{1,128}$/
