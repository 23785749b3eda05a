import type { Schema } from '../validate.js'
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
  again: (lastEventId: string) => Promise<Response>,
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
        ? readNdjson(response.body, request)
        : type === 'text/event-stream'
          ? readEvents(response.body, request, again)
          : await (isJson || type.startsWith('text/') || type === 'application/xml' ? read() : response.blob())
    return { status, data, error: undefined, response }
  }
  // An answer to HEAD has the status only: https://www.rfc-editor.org/rfc/rfc9110#section-9.3.2
  const error = request.method === 'HEAD' ? { status } : await read()
  if (status < 400 || !(isJson || type === 'text/plain') || isServerError(error))
    throw new UnexpectedResponse(request, response, error)
  return { status, data: undefined, error, response }
}

/** @throws UnexpectedResponse for what the schema refuses */
export async function checkData(schema: Schema, data: unknown, request: Request, response: Response): Promise<void> {
  const { validate } = schema['~standard'] as {
    validate(
      data: unknown,
    ): { issues?: readonly { message: string }[] } | Promise<{ issues?: readonly { message: string }[] }>
  }
  const { issues } = await validate(data)
  if (issues) throw new UnexpectedResponse(request, response, data, issues)
}

// The 500 that says nothing, to the letter: what byway answers when something was thrown.
const isServerError = (error: unknown): boolean =>
  JSON.stringify(error) === '{"title":"Internal Server Error","status":500}'
