import type { Schema } from '../schema.js'
import { undeclared } from '../undeclared.js'
import { parseEvents, parseItems, readLines, toMediaType } from './streams.js'
import { UnexpectedResponse } from './unexpected-response.js'

/** The value that a call resolves to. */
export interface AnyResult {
  readonly status: number
  readonly data: unknown
  readonly error: unknown
  readonly response: Response
}

/**
 * Reads a response as a call's result. `schema` checks the data of a success.
 *
 * @throws UnexpectedResponse if the route cannot send the response, or if its data does not match the schema.
 */
export async function toResult(
  request: Request,
  response: Response,
  signal: AbortSignal,
  schema: Schema | undefined,
  send: Parameters<typeof parseEvents>[2],
): Promise<AnyResult> {
  const { ok, status } = response
  // Some hosts give an empty body to it.
  const body = request.method === 'HEAD' ? null : response.body
  const type = toMediaType(response)
  const isJson = /[/+]json$/.test(type)
  const fail = (body: unknown, issues?: Issues): never => {
    throw new UnexpectedResponse(request, response, body, issues)
  }
  const read = async (): Promise<unknown> => {
    if (!body) return undefined
    if (ok && type === 'application/x-ndjson') return parseItems(readLines(body, request, signal))
    if (ok && type === 'text/event-stream') return parseEvents(readLines(body, request, signal), signal, send)
    if (ok && !isJson && !/^text\/|[/+]xml$/.test(type)) {
      const blob = await response.blob()
      // Some hosts give an empty body to a response that has none.
      return blob.size || type ? blob : undefined
    }
    const text = await response.text()
    try {
      return isJson ? (JSON.parse(text) as unknown) : text
    } catch {
      return fail(text)
    }
  }
  const value = await read()
  if (ok) {
    const issues = schema && (await (schema['~standard'] as Validator).validate(value)).issues
    if (issues) fail(value, issues)
  } else if (
    status < 400 ||
    !(isJson || type === 'text/plain') ||
    (value as { readonly detail?: unknown } | null | undefined)?.detail === undeclared
  )
    fail(value)
  // A response to HEAD has the status only: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2
  const error = body ? value : { status }
  return { status, data: ok ? value : undefined, error: ok ? undefined : error, response }
}

type Issues = readonly { readonly message: string }[]
interface Validator {
  validate(data: unknown): { readonly issues?: Issues } | Promise<{ readonly issues?: Issues }>
}
