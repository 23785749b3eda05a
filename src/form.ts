// What a form's keys may look like before a schema sees them. zod-form-data makes nested objects of keys such as
// `address.city` and `tags[0]`; unguarded, `toString.call=x` breaks a built-in for the whole process and
// `list[3000000]=x` takes seconds. So this is a list of what is allowed.

const maxFields = 1_000
const maxKeyLength = 256
const maxDepth = 10
const maxIndex = 1_000

/** A form whose keys are refused. */
export class BadForm {
  readonly detail: string
  readonly key: string
  constructor(detail: string, key: string) {
    this.detail = detail
    this.key = key.slice(0, maxKeyLength)
  }
}

// A place in the tree that the keys describe.
interface Place {
  kind: 'value' | 'list' | 'object' | undefined
  readonly children: Map<string, Place>
}

const objectMembers = new Set(Object.getOwnPropertyNames(Object.prototype))
const arrayMembers = new Set(Object.getOwnPropertyNames(Array.prototype))

/**
 * A form's entries as one object for a schema: names as they came, several values under one name as an array. It has no
 * prototype, and can be iterated like `FormData`, which is what `zfd.formData()` wants.
 *
 * @throws BadForm if a key is not one that a form of this size has.
 */
export function toFormObject(
  entries: Iterable<readonly [string, string | File]>,
  arrays: ReadonlySet<string>,
): Record<string, unknown> {
  const fields: (readonly [string, string | File])[] = []
  const root: Place = { kind: 'object', children: new Map() }
  const form: Record<string, unknown> = Object.create(null)
  for (const entry of entries) {
    const [key, value] = entry
    if (fields.push(entry) > maxFields) throw new BadForm(`A form has at most ${maxFields} fields.`, '')
    if (!(key in form)) {
      place(key, root)
      form[key] = arrays.has(key) ? [value] : value
    } else if (Array.isArray(form[key])) form[key].push(value)
    else form[key] = [form[key], value]
  }
  checkDense(root, '')
  return Object.defineProperty(form, Symbol.iterator, { value: () => fields[Symbol.iterator]() })
}

function place(key: string, root: Place): void {
  if (key.length > maxKeyLength) throw new BadForm(`A field's name has at most ${maxKeyLength} characters.`, key)
  const steps = toSteps(key)
  if (steps.length > maxDepth) throw new BadForm(`A field's name has at most ${maxDepth} steps.`, key)
  let at = root
  for (const [depth, step] of steps.entries()) {
    // The first step is set on a plain object, so `sort` and `filter` are names like others there.
    if (objectMembers.has(step) || step === 'prototype' || (depth > 0 && arrayMembers.has(step)))
      throw new BadForm('A field cannot have this name.', key)
    const kind = depth > 0 && /^\d+$/.test(step) ? 'list' : 'object'
    if (kind === 'list' && (step.length > 3 || Number(step) >= maxIndex || String(Number(step)) !== step))
      throw new BadForm(`A list has at most ${maxIndex} elements.`, key)
    at.kind ??= kind
    if (at.kind !== kind) throw new BadForm('Another field has a name that excludes this one.', key)
    let child = at.children.get(step)
    if (!child) at.children.set(step, (child = { kind: undefined, children: new Map() }))
    at = child
  }
  if (at.kind) throw new BadForm('Another field has a name that excludes this one.', key)
  at.kind = 'value'
}

// `address.lines[0]` has the steps `address`, `lines` and `0`. A key without dots and brackets is one step.
function toSteps(key: string): string[] {
  if (!/[.[\]]/.test(key)) return [key]
  const [head = '', ...tail] = key.split(/\.|\[/)
  const brackets = key.replace(/[^.[]/g, '')
  const steps = [head]
  for (const [index, text] of tail.entries()) {
    const bracketed = brackets[index] === '['
    const step = bracketed && text.endsWith(']') ? text.slice(0, -1) : text
    if (bracketed === (step === text)) throw new BadForm('A field is named like address.city or tags[0].', key)
    steps.push(step)
  }
  if (steps.some((step) => !step || step.includes(']')))
    throw new BadForm('A field is named like address.city or tags[0].', key)
  return steps
}

function checkDense({ kind, children }: Place, key: string): void {
  if (kind === 'list')
    for (const step of children.keys())
      if (Number(step) >= children.size) throw new BadForm('A list has no gaps.', `${key}[${step}]`)
  for (const [step, child] of children) checkDense(child, key ? `${key}.${step}` : step)
}
