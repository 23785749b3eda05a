import { NullObject } from '../null-object.js'
import { validate, type Issue, type Result, type Schema } from '../schema.js'
import { append, isArray, isScalar, toShape, type Shape } from './shape.js'

// Two readings of one value at most double the work, and four names that have two are rare.
const maxAmbiguous = 4

/**
 * Makes the function that validates a query against a schema. A value whose name is an array in one member of a union and a
 * string in another is tried as both.
 */
export function toQueryParser(
  schema: Schema,
): <value>(search: string, settle: (result: Result) => value | Promise<value>) => value | Promise<value> {
  let shape: Shape | undefined
  return (search, settle) => {
    // Computed with the first request, because a JSON Schema is slow to make.
    shape ??= toShape(schema)
    const issues: Issue[] = []
    const query = new NullObject()
    const ambiguous: Place[] = []
    if (search)
      new URLSearchParams(search).forEach((text, name) => {
        const path = place(query, shape!, name, text, ambiguous)
        if (path) issues.push({ path, message: 'This value can be given only once.' })
      })
    if (issues.length) return settle({ issues })
    const places = ambiguous.filter(([target, key]) => typeof target[key] === 'string')
    const attempt = (reading: number, first?: Result): ReturnType<typeof settle> => {
      places.forEach(([target, key], bit) => {
        const [text] = [target[key]].flat()
        target[key] = reading & (1 << bit) ? [text] : text
      })
      return validate(schema, query, (result) => {
        const isLast = reading + 1 >= 1 << Math.min(places.length, maxAmbiguous)
        if (!result.issues) return settle(result)
        // The first reading decides the errors that the client sees.
        return isLast ? settle(first ?? result) : attempt(reading + 1, first ?? result)
      })
    }
    return attempt(0)
  }
}

type Place = readonly [target: Record<string, unknown>, key: string]

// Puts a value under its name: `tag`, `tag[]` for an array, or `filter[color]` for an object. Returns the path of the value that
// excludes this one, if there is one. Adds to `ambiguous` where the value can be an array or a string.
function place(
  target: Record<string, unknown>,
  { members }: Shape,
  name: string,
  text: string,
  ambiguous: Place[],
): string[] | undefined {
  const parts = members.has(name) ? null : /^([^[]+)\[([^\]]*)\](.*)$/.exec(name)
  const inner = parts && members.get(parts[1]!)
  let key = name
  if (inner) {
    // The expression has three groups, which always match.
    const [, base, step, rest] = parts as unknown as [string, string, string, string]
    if (step && inner.types.has('object')) {
      const child = (target[base] ??= new NullObject())
      const path = child instanceof NullObject ? place(child, inner, step + rest, text, ambiguous) : []
      return path && [base, ...path]
    }
    if (!isScalar(inner) && !step && !rest) key = base
  }
  const seen = target[key]
  const shape = members.get(key)
  if (shape?.types.has('array')) ambiguous.push([target, key])
  if (seen === undefined) target[key] = key !== name || isArray(shape) ? [text] : text
  else if (isScalar(shape) || seen instanceof NullObject) return [key]
  else append(target, key, text)
  return undefined
}
