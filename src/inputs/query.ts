import { NullObject } from '../null-object.js'
import { validate, type Issue, type Result, type Schema } from '../schema.js'
import { toShapes, type Shape } from './shape.js'

/** Makes the function that validates a query against a schema. Each shape of the schema is tried in turn. */
export function toQueryParser(
  schema: Schema,
): <value>(search: string, settle: (result: Result) => value | Promise<value>) => value | Promise<value> {
  let shapes: readonly Shape[] | undefined
  return (search, settle) => {
    // Computed with the first request, because a JSON Schema is slow to make.
    shapes ??= toShapes(schema)
    const attempt = (index: number, first?: Result): ReturnType<typeof settle> => {
      const shape = shapes![index]
      if (!shape) return settle(first!)
      const query = toQuery(search, shape)
      const next = (result: Result): ReturnType<typeof settle> =>
        result.issues ? attempt(index + 1, first ?? result) : settle(result)
      return query.issues ? next(query as Result) : validate(schema, query.value, next)
    }
    return attempt(0)
  }
}

function toQuery(search: string, shape: Shape): { readonly value: object; readonly issues?: readonly Issue[] } {
  const value = new NullObject()
  const issues: Issue[] = []
  if (search !== '')
    for (const [name, text] of new URLSearchParams(search)) {
      const issue = place(value, shape, name, text)
      if (issue) issues.push(issue)
    }
  return issues.length ? { value, issues } : { value }
}

// Puts a value under its name: `tag`, `tag[]` for an array, or `filter[color]` for an object.
function place(target: Record<string, unknown>, { members }: Shape, name: string, text: string): Issue | undefined {
  const open = members.has(name) || name.at(-1) !== ']' ? -1 : name.indexOf('[')
  const base = name.slice(0, Math.max(open, 0))
  const inner = members.get(base)
  const step = name.slice(open + 1, name.indexOf(']', open))
  const seen = target[inner ? base : name]
  if (inner?.kind === 'object' && step) {
    if (seen !== undefined && typeof seen !== 'object') return { path: [base], message: once }
    const child = (target[base] ??= new NullObject()) as Record<string, unknown>
    const issue = place(child, inner, step + name.slice(open + step.length + 2), text)
    return issue && { ...issue, path: [base, ...issue.path!] }
  }
  if (inner && inner.kind !== 'scalar' && open + 2 === name.length) target[base] = [seen ?? [], text].flat()
  else {
    const kind = members.get(name)?.kind
    if (seen === undefined) target[name] = kind === 'array' ? [text] : text
    else if (kind === 'scalar') return { path: [name], message: once }
    else target[name] = [seen, text].flat()
  }
  return undefined
}

const once = 'This value can be given only once.'
