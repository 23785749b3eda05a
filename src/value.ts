import { createResponse, isResponse, type HeaderPairs } from '#response'
import { createStreamResponse } from './stream.js'

/** The text of a value as JSON. @throws TypeError for what JSON cannot carry. */
export function toJson(value: unknown): string {
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError(`JSON cannot carry a ${typeof value}`)
  return text
}

/** An item as a line of NDJSON. */
export const toLine = (item: unknown): string => `${toJson(item)}\n`

export const ndjsonType = 'application/x-ndjson'

const jsonHeaders: HeaderPairs = [['content-type', 'application/json']]

/** The Response for what a handler returned. @throws TypeError for what no answer can be made of. */
export function toResponse(value: unknown): Response {
  if (value === undefined) return createResponse(null, 204, [])
  if (typeof value !== 'object' || value === null) return createResponse(toJson(value), 200, jsonHeaders)
  if (Symbol.asyncIterator in value)
    return createStreamResponse(value as AsyncIterable<unknown>, toLine, { headers: { 'content-type': ndjsonType } })
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== Array.prototype) {
    if (isResponse(value)) {
      if (value.type === 'error') throw new TypeError('Response.error() is no answer; throw, or reply.problem()')
      if (value.bodyUsed) throw new TypeError('the Response that was returned has been read already; return a clone')
      return value
    }
    const name = (value as { [Symbol.toStringTag]?: string })[Symbol.toStringTag]
    // They have no members of their own: JSON would send {} in silence.
    if (name !== undefined && !('toJSON' in value)) throw new TypeError(`JSON cannot carry a ${name}`)
  }
  return createResponse(toJson(value), 200, jsonHeaders)
}
