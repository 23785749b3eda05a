import type { ProblemFormat } from '../app.js'
import { checkOptions } from '../options.js'
import { toFailure, type ErrorStatus, type Problem } from '../problem.js'
import { createResponse, memoryOf, type HeaderPairs } from '#response'
import { isSchema, type Input, type Issue, type Schema } from '../schema.js'

export interface ProblemsOptions<
  schema extends Schema,
  statuses extends { readonly [status in ErrorStatus]?: ErrorStatus },
> {
  /** The schema of the body, for the client's types and the OpenAPI document. The body is not validated against it. */
  readonly schema: schema
  /** The statuses that are sent in place of others: `{ 400: 422 }`. @default {} */
  readonly statuses?: statuses
  /** Converts a problem to the body of the response. */
  readonly toBody: (problem: Problem, details: ProblemContext) => Input<schema>
}

/** What `toBody` gets in addition to the problem. */
export interface ProblemContext {
  /** The schema's own issues, for a 400 of invalid input. */
  readonly issues: readonly Issue[] | undefined
  readonly headers: Headers
}

/** An app's error format, with the types that the client needs. */
export interface Problems<schema extends Schema = Schema, statuses = {}> extends ProblemFormat {
  readonly '~types'?: { readonly schema: schema; readonly statuses: statuses }
}

/**
 * Gives an app its own error format: for byway's problems, and for `reply.problem` and its relatives. The bytes that are sent,
 * the client's types and the OpenAPI document follow. Middleware and `onError` still see the problem.
 *
 * @throws TypeError if the options are invalid.
 * @example
 * router(routes, {
 *   problems: problems({
 *     schema: z.object({ message: z.string() }),
 *     statuses: { 400: 422 },
 *     toBody: ({ title, detail }) => ({ message: detail ?? title ?? 'Error' }),
 *   }),
 * })
 */
export function problems<
  schema extends Schema,
  const statuses extends { readonly [status in ErrorStatus]?: ErrorStatus } = {},
>(options: ProblemsOptions<schema, statuses>): Problems<schema, statuses> {
  checkOptions('problems()', options, { schema: isSchema, statuses: 'object', toBody: 'function' }, TypeError)
  const { schema, toBody } = options
  const statuses: { readonly [status: number]: number } = { ...(options.statuses as object | undefined) }
  if (!schema || !toBody) throw new TypeError('problems() needs a schema and toBody')
  for (const [from, to] of Object.entries(statuses))
    if (!/^[45]\d\d$/.test(from) || !/^[45]\d\d$/.test(String(to)))
      throw new TypeError(`problems() takes statuses from 400 to 599, not { ${from}: ${String(to)} }`)
  return {
    schema,
    statuses,
    convert(response) {
      const { status, headers } = response
      const memory = status >= 400 ? memoryOf(response) : undefined
      if (!memory?.data || headers.get('content-type') !== 'application/problem+json') return response
      try {
        const data = toBody(memory.data as Problem, { issues: memory.issues, headers })
        const others: HeaderPairs = [...headers].filter(
          ([name]) => name !== 'content-type' && name !== 'content-length',
        )
        const pairs: HeaderPairs = [['content-type', 'application/json'], ...others]
        return createResponse(JSON.stringify(data), statuses[status] ?? status, pairs, { ...memory, data })
      } catch (error) {
        return toFailure(error, 'response')
      }
    },
  }
}
