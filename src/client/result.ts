import type { Schema } from '../schema.js'
import { readEvents, readNdjson } from './streams.js'
import { UnexpectedResponse } from './unexpected-response.js'

/** What a call resolves to. */
export interface AnyResult {
  readonly status: number
  readonly data: unknown
  readonly error: unknown
  readonly response: Response
}

/**
 * The result that a Response tells. `again` asks for the events of a stream that broke off.
 *
 * @throws UnexpectedResponse for what no route answers.
 */
export async function toResult(
  request: Request,
  response: Response,
  signal: AbortSignal,
  again?: (lastEventId: string) => Promise<Response>,
): Promise<AnyResult> {
  const { status } = response
  const type = (response.headers.get('content-type') ?? '').replace(/;.*/s, '').trim().toLowerCase()
  const isJson = type === 'application/json' || type.endsWith('+json')
  const read = async (): Promise<unknown> => {
    const text = await response.text()
    if (!isJson) return text
    try {
      return JSON.parse(text)
    } catch {
      throw new UnexpectedResponse(request, response, text)
    }
  }
  if (response.ok) {
    const isEmpty = status === 204 || status === 205 || request.method === 'HEAD' || !response.body
    const data = isEmpty
      ? undefined
      : type === 'application/x-ndjson'
        ? readNdjson(response.body, request, signal)
        : type === 'text/event-stream'
          ? readEvents(response.body, request, signal, again)
          : await (isJson || type.startsWith('text/') || type === 'application/xml' ? read() : readBlob(response, type))
    return { status, data, error: undefined, response }
  }
  // An answer to HEAD has the status only: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2
  const error = request.method === 'HEAD' ? { status } : await read()
  if (status < 400 || !(isJson || type === 'text/plain') || isServerError(error))
    throw new UnexpectedResponse(request, response, error)
  return { status, data: undefined, error, response }
}

// A host may give a body to an answer that has none.
async function readBlob(response: Response, type: string): Promise<Blob | undefined> {
  const blob = await response.blob()
  return blob.size || type ? blob : undefined
}

/** @throws UnexpectedResponse for what the schema refuses */
export async function checkData(schema: Schema, { data, response }: AnyResult, request: Request): Promise<void> {
  const { issues } = await (schema['~standard'] as Validator).validate(data)
  if (issues) throw new UnexpectedResponse(request, response, data, issues)
}
interface Validator {
  validate(data: unknown): Checked | Promise<Checked>
}
interface Checked {
  readonly issues?: readonly { readonly message: string }[]
}

// The 500 that says nothing, to the letter: what byway answers when something was thrown.
const isServerError = (error: unknown): boolean =>
  JSON.stringify(error) === '{"title":"Internal Server Error","status":500}'
