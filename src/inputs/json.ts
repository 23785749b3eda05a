import type { BodyKind, RequestBody } from '../declaration.js'
import { toProblem } from '../problem.js'
import type { Schema } from '../schema.js'

const maxDepth = 64

/** The kind of a body that is declared by a schema alone. A request without a body has the value `undefined`. */
export const json = <schema extends Schema>(schema: schema): BodyKind<'body', schema> => ({
  key: 'body',
  schema,
  types: ['application/json', '+json'],
  document: 'value',
  read: (body: RequestBody) => body.text().then(parse),
})

function parse(given: string): unknown {
  // RFC 8259 §8.1 lets a parser ignore a byte order mark.
  const text = given.replace(/^\ufeff/, '')
  if (!text) return undefined
  // A shorter text cannot be too deep.
  if (text.length > 2 * maxDepth && isTooDeep(text))
    throw toProblem(400, 'Bad Request', { detail: `The body is nested deeper than ${maxDepth} levels.` })
  try {
    return JSON.parse(text)
  } catch {
    throw toProblem(400, 'Bad Request', { detail: 'The body is not valid JSON.' })
  }
}

function isTooDeep(text: string): boolean {
  let depth = 0
  let isQuoted = false
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index)
    if (code === 34) isQuoted = !isQuoted
    else if (isQuoted) {
      if (code === 92) index++
    } else if (code === 91 || code === 123) {
      if (++depth > maxDepth) return true
    } else if (code === 93 || code === 125) depth--
  }
  return false
}
