import { readMultipart, type Entries } from '#inputs/multipart'
import type { BodyKind, RequestBody } from '../declaration.js'
import { toInvalid, toPointer, toProblem } from '../problem.js'
import type { Schema } from '../schema.js'
import { append, isArray, toShape, type Shape } from './shape.js'

// The names that fields can have before a schema sees them. zod-form-data makes nested objects of names such as `address.city`
// and `tags[0]`; without a guard, `toString.call=x` breaks a built-in for the whole process, and `list[3000000]=x` takes
// seconds. So this is a list of what is allowed.

const maxFields = 1_000
const maxKeyLength = 256
const maxDepth = 10

/**
 * A body as a form: `multipart/form-data` or `application/x-www-form-urlencoded`. The schema gets one object: names as they were
 * sent, and several values under one name as an array. `tags[]` is an array under `tags`. An empty file input is absent. The object
 * has no prototype and can be iterated like `FormData`, which is what `zfd.formData()` expects; the iterator leaves out names that
 * are not like `address.city` or `tags[0]`.
 *
 * A form has at most 1,000 fields; a name has at most 256 characters and 10 steps, and lists have no gaps.
 *
 * @example
 * route('/photos').post({ body: form(zfd.formData({ photo: zfd.file(), alt: zfd.text() })) }, (request, { body }) => …)
 */
export function form<schema extends Schema>(schema: schema): BodyKind<'form', schema> {
  let shape: Shape | undefined
  return {
    key: 'form',
    schema,
    types: ['multipart/form-data', 'application/x-www-form-urlencoded'],
    document: 'fields',
    // The JSON Schema is computed with the first request, because it is slow to make.
    read: async (body) => toFormObject(await readEntries(body), (shape ??= toShape(schema)).members),
  }
}

async function readEntries(body: RequestBody): Promise<Entries> {
  if (body.type !== 'multipart/form-data') return new URLSearchParams(await body.text())
  const bytes = await body.bytes()
  if (!bytes.length) return []
  return readMultipart(bytes, body.request.headers.get('content-type')!).catch(() => {
    throw toProblem(400, 'Bad Request', { detail: 'The body is not valid multipart/form-data.' })
  })
}

const reject = (detail: string, key: string): Response =>
  toInvalid([{ in: 'body', pointer: key && toPointer([key.slice(0, maxKeyLength)]), detail }])

// The steps of all names. `undefined` is a value.
type Tree = Map<string, Tree | undefined>

const objectMembers = new Set([...Object.getOwnPropertyNames(Object.prototype), 'prototype'])

/** Makes the object that a form's schema gets. Throws a 400 Response if a name is not allowed. */
export function toFormObject(entries: Entries, members: Shape['members']): Record<string, unknown> {
  const root: Tree = new Map()
  const form: Record<string, unknown> = Object.create(null)
  const lists = new Set<string>()
  let count = 0
  for (const [name, value] of entries) {
    // https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#constructing-entry-list: no file was selected.
    if (typeof value === 'object' && value.name === '' && value.size === 0) continue
    const isList = name.endsWith('[]') && !members.has(name)
    const key = isList ? name.slice(0, -2) : name
    if (++count > maxFields) throw reject(`A form has at most ${maxFields} fields.`, '')
    if (isList) lists.add(key)
    if (!(key in form)) {
      place(key, root)
      form[key] = isList || isArray(members.get(key)) ? [value] : value
    } else append(form, key, value)
  }
  for (const [step, tree] of root) checkDense(tree, step)
  return Object.defineProperty(form, Symbol.iterator, { value: () => toEntries(form, lists) })
}

// As `FormData` iterates, with `tags[0]` for the first value of `tags[]`: zod-form-data makes a list of it. Names that it would
// misread are left out.
function* toEntries(form: object, lists: ReadonlySet<string>): Generator<readonly [string, unknown]> {
  for (const [key, value] of Object.entries(form))
    if (grammar.test(key))
      for (const [index, one] of [value].flat().entries()) yield [lists.has(key) ? `${key}[${index}]` : key, one]
}

// `address.lines[0]` has the steps `address`, `lines` and `0`. A line end would stop zod-form-data's own parser early.
const grammar = /^[^.[\]\n\r\u2028\u2029]+(?:\.[^.[\]\n\r\u2028\u2029]+|\[[^.[\]\n\r\u2028\u2029]+\])*$/
const isIndex = (step: string): boolean => /^\d+$/.test(step)

function place(key: string, root: Tree): void {
  const fail = (detail: string): never => {
    throw reject(detail, key)
  }
  if (key.length > maxKeyLength) fail(`A field's name has at most ${maxKeyLength} characters.`)
  // Any other name is only a key.
  if (!grammar.test(key)) return
  const steps = key.match(/[^.[\]]+/g)!
  if (steps.length > maxDepth) fail(`A field's name has at most ${maxDepth} steps.`)
  let tree = root
  steps.forEach((step, depth) => {
    // `01` would be the index 1.
    if (objectMembers.has(step) || (isIndex(step) && String(Number(step)) !== step))
      fail('A field cannot have this name.')
    const isLast = depth === steps.length - 1
    const [sibling = step] = tree.keys()
    if ((depth && isIndex(sibling) !== isIndex(step)) || (tree.has(step) && (isLast || !tree.get(step))))
      fail('Another field has a name that excludes this one.')
    if (!tree.has(step)) tree.set(step, isLast ? undefined : new Map())
    tree = tree.get(step)!
  })
}

// An index without the ones below it would give the schema a list of that length.
function checkDense(tree: Tree | undefined, key: string): void {
  for (const [step, inner] of tree ?? []) {
    if (isIndex(step) && Number(step) >= tree!.size) throw reject('A list has no gaps.', `${key}[${step}]`)
    checkDense(inner, `${key}.${step}`)
  }
}
