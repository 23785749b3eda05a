import { toInvalid, toPointer } from './problem.js'

// What a form's keys may look like before a schema sees them. zod-form-data makes nested objects of keys such as
// `address.city` and `tags[0]`; unguarded, `toString.call=x` breaks a built-in for the whole process and
// `list[3000000]=x` takes seconds. So this is a list of what is allowed.

const maxFields = 1_000
const maxKeyLength = 256
const maxDepth = 10

const refuse = (detail: string, key: string): Response =>
  toInvalid([{ in: 'form', pointer: key && toPointer([key.slice(0, maxKeyLength)]), detail }])

// The steps that the keys describe. `undefined` is a value.
type Tree = Map<string, Tree | undefined>

const objectMembers = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype'])
const arrayMembers = new Set(Object.getOwnPropertyNames(Array.prototype))

/**
 * A form's entries as one object for a schema: names as they came, several values under one name as an array, as is one
 * where `shape` says so. It has no prototype, and can be iterated like `FormData`, which is what `zfd.formData()` wants.
 *
 * Throws the answer if a key is not one that a form of this size has.
 */
export function toFormObject(
  entries: Iterable<readonly [string, string | File]>,
  shape: ReadonlyMap<string, string>,
): Record<string, unknown> {
  const fields: (readonly [string, string | File])[] = []
  const root: Tree = new Map()
  const form: Record<string, unknown> = Object.create(null)
  for (const entry of entries) {
    const [key, value] = entry
    if (fields.push(entry) > maxFields) throw refuse(`A form has at most ${maxFields} fields.`, '')
    if (!(key in form)) {
      place(key, root)
      form[key] = shape.get(key) === 'array' ? [value] : value
    } else if (Array.isArray(form[key])) form[key].push(value)
    else form[key] = [form[key], value]
  }
  for (const [step, tree] of root) checkDense(tree, step)
  return Object.defineProperty(form, Symbol.iterator, { value: () => fields[Symbol.iterator]() })
}

// `address.lines[0]` has the steps `address`, `lines` and `0`. A line end would stop zod-form-data's own parser halfway.
const grammar = /^[^.[\]\n\r\u2028\u2029]+(?:\.[^.[\]\n\r\u2028\u2029]+|\[[^.[\]\n\r\u2028\u2029]+\])*$/
const isIndex = (step: string): boolean => /^\d+$/.test(step)

function place(key: string, root: Tree): void {
  const fail = (detail: string): never => {
    throw refuse(detail, key)
  }
  if (key.length > maxKeyLength) fail(`A field's name has at most ${maxKeyLength} characters.`)
  const steps = grammar.test(key) ? key.match(/[^.[\]]+/g)! : fail('A field is named like address.city or tags[0].')
  if (steps.length > maxDepth) fail(`A field's name has at most ${maxDepth} steps.`)
  let tree = root
  steps.forEach((step, depth) => {
    // The first step is set on a plain object, so `sort` and `filter` are names like others there. `01` would be 1.
    if (
      objectMembers.has(step) ||
      (depth && arrayMembers.has(step)) ||
      (isIndex(step) && String(Number(step)) !== step)
    )
      fail('A field cannot have this name.')
    const isLast = depth === steps.length - 1
    const [sibling = step] = tree.keys()
    if ((depth && isIndex(sibling) !== isIndex(step)) || (tree.has(step) && (isLast || !tree.get(step))))
      fail('Another field has a name that excludes this one.')
    if (!tree.has(step)) tree.set(step, isLast ? undefined : new Map())
    tree = tree.get(step)!
  })
}

// An index without those below it: the schema would be given a list as long as the index.
function checkDense(tree: Tree | undefined, key: string): void {
  for (const [step, inner] of tree ?? []) {
    if (isIndex(step) && Number(step) >= tree!.size) throw refuse('A list has no gaps.', `${key}[${step}]`)
    checkDense(inner, `${key}.${step}`)
  }
}
