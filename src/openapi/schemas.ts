import { standardOf, type Schema } from '../schema.js'
import { isGenerated, NoJsonSchema, toJsonSchema, type JsonSchema, type Marks, type Side } from './json-schema.js'
import { OpenApiError, toPascal, unique } from './names.js'
import { findMismatch, toMessage, type Part } from './wire.js'

/** A named schema of the document. Its name is chosen after all definitions are known. */
interface Definition {
  json: JsonSchema
  /** The name that the app's author gave it. */
  readonly id: string | undefined
  /** The name if there is no id. */
  readonly hint: string
  readonly side: Side
  /** The operation that uses it, for messages. */
  readonly place: string
}

/** The schemas of one document. */
export class Schemas {
  // Each `{ $ref }` object with its definition.
  readonly #references = new Map<object, Definition>()
  readonly #marks = new WeakMap<object, Marks>()
  // The unions with a discriminator.
  readonly #unions: JsonSchema[] = []
  readonly #shared = new Map<Schema, JsonSchema>()
  readonly #own = new Map<string, JsonSchema>()
  readonly #warn: (message: string) => void

  constructor(warn: (message: string) => void) {
    this.#warn = warn
  }

  /**
   * Returns the JSON Schema of a schema. Warns and returns `{}` if it has none. `hint` names definitions without an id. `part`
   * is where the values are sent.
   *
   * @throws OpenApiError if the schema has values that cannot be in this part.
   */
  add(schema: Schema, side: Side, place: string, hint: string, part?: Part): JsonSchema {
    let json: JsonSchema
    try {
      json = toJsonSchema(schema, side)
    } catch (error) {
      if (!(error instanceof NoJsonSchema)) throw error
      this.#warn(`${place}: the document has no JSON Schema for ${hint}: ${error.message}`)
      return {}
    }
    const hoisted = this.#hoist(json, side, place, hint, (name) => !isGenerated(schema, name))
    const { vendor } = standardOf(schema)
    const mismatch = part && findMismatch(hoisted, part, vendor, this)
    if (mismatch) throw new OpenApiError(`${place}: ${toMessage(mismatch, part, vendor)}`)
    return hoisted
  }

  /** Returns one of byway's own schemas. It gets another name if a schema of the app has the same name. */
  addOwn<name extends string>(name: name, all: { readonly [other in name]: object }): JsonSchema {
    const json =
      this.#own.get(name) ??
      this.#hoist(structuredClone({ $ref: `#/$defs/${name}`, $defs: all }), 'output', 'byway', '', () => false)
    this.#own.set(name, json)
    return json
  }

  /** Returns a reference to a schema that many responses share, such as the app's own error format. */
  addShared(schema: Schema, place: string, name: string): JsonSchema {
    const known = this.#shared.get(schema)
    if (known) return known
    // Its input is sent, because the values are not validated.
    const json = this.add(schema, 'input', place, name, 'response')
    const reference: JsonSchema = this.#references.has(json) ? json : { $ref: '' }
    if (reference !== json) this.#references.set(reference, { json, id: undefined, hint: name, side: 'input', place })
    this.#shared.set(schema, reference)
    return reference
  }

  /** Follows references. Returns the schema itself if it is not a reference. */
  resolve(json: JsonSchema): JsonSchema {
    const seen = new Set<JsonSchema>()
    for (let target = json; ; target = this.#references.get(target)!.json)
      if (!this.#references.has(target) || seen.size === seen.add(target).size) return target
  }

  /** What JSON Schema cannot say about a schema. */
  marksOf(json: JsonSchema): Marks {
    return this.#marks.get(json) ?? {}
  }

  /** Replaces the alternatives of a union. A single one without a name becomes the schema itself. */
  replaceAlternatives(node: JsonSchema, keyword: 'anyOf' | 'oneOf', rest: readonly JsonSchema[]): void {
    const [only] = rest
    if (rest.length > 1 || !only || this.#references.has(only)) node[keyword] = rest
    else {
      delete node[keyword]
      Object.assign(node, only)
      this.#marks.set(node, { ...this.marksOf(node), ...this.marksOf(only) })
    }
  }

  /** Yields a schema and all schemas nested in it. */
  *parts(json: JsonSchema, seen: Set<object> = new Set()): Generator<JsonSchema> {
    const target = this.resolve(json)
    if (seen.has(target)) return
    seen.add(target)
    yield target
    for (const [child] of children(target)) yield* this.parts(child, seen)
  }

  // Schemas in `$defs` and recursive schemas become definitions.
  #hoist(root: JsonSchema, side: Side, place: string, hint: string, isName: (name: string) => boolean): JsonSchema {
    const known = new Map<unknown, Definition>()
    const walked = new Set<JsonSchema>()
    const define = (target: JsonSchema, pointer: string, property: string): Definition => {
      const before = known.get(target)
      if (before) return before
      const [, name] = /^\/(?:\$defs|definitions)\/([^/]+)$/.exec(pointer) ?? []
      const id = name === undefined ? undefined : unescape(name)
      const { title } = target
      const definition = {
        json: target,
        id: id !== undefined && isName(id) ? id : undefined,
        hint: typeof title === 'string' ? toPascal(title) : hint ? hint + toPascal(pointer && property) : (id ?? ''),
        side,
        place,
      }
      known.set(target, definition)
      walk(target, '')
      return definition
    }
    const walk = (node: JsonSchema, property: string): void => {
      walked.add(node)
      const marks = Object.entries(node).filter(([keyword]) => keyword.startsWith('~'))
      if (marks.length) this.#marks.set(node, Object.fromEntries(marks))
      for (const [keyword] of marks) delete node[keyword]
      if ('discriminator' in node) this.#unions.push(node)
      if (typeof node['$ref'] === 'string') {
        const pointer = node['$ref'].startsWith('#') ? node['$ref'].slice(1) : undefined
        const target = pointer === '' ? root : pointer === undefined ? undefined : follow(root, pointer)
        if (isObject(target)) this.#references.set(node, define(target, pointer!, property))
        else {
          this.#warn(
            `${place}: a schema has a $ref to ${node['$ref']}, which it does not define; the reference was removed`,
          )
          delete node['$ref']
        }
      }
      for (const [child, name] of children(node)) walk(child, name ?? property)
    }
    walk(root, '')
    for (const node of walked) for (const keyword of ['$schema', '$id', '$defs', 'definitions']) delete node[keyword]
    const own = known.get(root)
    if (!own) return root
    const reference: JsonSchema = { $ref: '' }
    this.#references.set(reference, own)
    return reference
  }

  /**
   * Names the definitions that a document uses, and returns them by name. Calls `report` if two different schemas have the
   * same name.
   */
  finish(document: object, report: (message: string, place: string) => void): Record<string, JsonSchema> {
    const used = new Map<Definition, string>()
    const find = (value: unknown): void => {
      if (typeof value !== 'object' || value === null) return
      const definition = this.#references.get(value)
      if (definition && !used.has(definition)) {
        used.set(definition, this.#identity(definition))
        find(definition.json)
      }
      Object.values(value).forEach(find)
    }
    find(document)
    const names = nameAll(used, report)
    for (const [node, definition] of this.#references) {
      const identity = used.get(definition)
      if (identity !== undefined) (node as JsonSchema)['$ref'] = `#/components/schemas/${names.get(identity)!}`
    }
    for (const union of this.#unions) this.#setMapping(union)
    const schemas = new Map([...used].map(([{ json }, identity]) => [names.get(identity)!, json]))
    return Object.fromEntries([...schemas].sort(([one], [other]) => (one < other ? -1 : 1)))
  }

  // A discriminator selects among named schemas only: https://spec.openapis.org/oas/v3.1.0.html#discriminator-object
  #setMapping(union: JsonSchema): void {
    const { propertyName } = union['discriminator'] as { propertyName: string }
    const mapping: Record<string, unknown> = {}
    const isNamed = ((union['oneOf'] ?? union['anyOf'] ?? []) as JsonSchema[]).map((alternative) => {
      const { properties } = this.resolve(alternative) as { properties?: Record<string, JsonSchema> }
      const property = properties?.[propertyName]
      const target: JsonSchema = property ? this.resolve(property) : {}
      const values = (target['enum'] ?? ('const' in target ? [target['const']] : [])) as unknown[]
      for (const value of values) mapping[String(value)] = alternative['$ref']
      return values.length > 0 && this.#references.has(alternative)
    })
    if (isNamed.length && isNamed.every(Boolean)) union['discriminator'] = { propertyName, mapping }
    else delete union['discriminator']
  }

  // Two definitions are identical if they and the definitions they refer to have the same content, under any names.
  #identity(definition: Definition): string {
    const order = [definition]
    const texts = []
    for (const one of order)
      texts.push(
        JSON.stringify([one.id, one.json], (_key, value: unknown) => {
          const target = isObject(value) ? this.#references.get(value) : undefined
          if (!target) return isObject(value) ? sorted(value) : value
          if (!order.includes(target)) order.push(target)
          return { ...sorted(value as JsonSchema), $ref: order.indexOf(target) }
        }),
      )
    return texts.join('\n')
  }
}

/**
 * Returns names of definitions by identity. Names from the app take precedence. If the input and output of a schema differ,
 * the input's name has the suffix `Input`: `Item` and `ItemInput`.
 */
function nameAll(
  used: ReadonlyMap<Definition, string>,
  report: (message: string, place: string) => void,
): ReadonlyMap<string, string> {
  const names = new Map<string, string>()
  const holders = new Map<string, Definition>()
  const groups = new Map<string, Map<string, Definition[]>>()
  for (const [definition, identity] of used) {
    if (definition.id === undefined) continue
    const group = groups.get(definition.id) ?? new Map<string, Definition[]>()
    groups.set(definition.id, group.set(identity, [...(group.get(identity) ?? []), definition]))
  }
  for (const [id, group] of groups) {
    const on = (side: Side): string[] => [...group.keys()].filter((identity) => isOn(side, group.get(identity)!))
    const isSplit = on('input').length === 1 && on('output').length === 1
    for (const [identity, definitions] of group) {
      const [definition] = definitions as [Definition]
      const isOther = group.size > 1 && isSplit && isOn('input', definitions)
      let name = id.replace(/[^\w.-]+/g, '_') + (isOther ? 'Input' : '')
      const holder = holders.get(name)
      if (holder) {
        report(
          `two schemas have the name '${name}', at ${holder.place} and at ${definition.place}; give them different ids`,
          definition.place,
        )
        name = unique(name, (name) => holders.has(name))
      }
      holders.set(name, definition)
      names.set(identity, name)
    }
  }
  for (const [definition, identity] of used) {
    if (names.has(identity)) continue
    const name = unique(definition.hint || 'Schema', (name) => holders.has(name))
    holders.set(name, definition)
    names.set(identity, name)
  }
  return names
}

const isOn = (which: Side, definitions: readonly Definition[]): boolean =>
  definitions.some(({ side }) => side === which)

const isObject = (value: unknown): value is JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const sorted = (json: JsonSchema): JsonSchema =>
  Object.fromEntries(Object.entries(json).sort(([one], [other]) => (one < other ? -1 : 1)))

const unescape = (step: string): string => decodeURIComponent(step).replaceAll('~1', '/').replaceAll('~0', '~')

// https://www.rfc-editor.org/rfc/rfc6901
const follow = (root: unknown, pointer: string): unknown =>
  pointer
    .slice(1)
    .split('/')
    .map(unescape)
    .reduce<unknown>(
      (value, step) =>
        typeof value === 'object' && value !== null && Object.hasOwn(value, step)
          ? (value as JsonSchema)[step]
          : undefined,
      root,
    )

const one = new Set(
  'items additionalProperties unevaluatedItems unevaluatedProperties not if then else contains propertyNames contentSchema'.split(
    ' ',
  ),
)
const many = new Set(['allOf', 'anyOf', 'oneOf', 'prefixItems', 'items'])
const named = new Set(['properties', 'patternProperties', 'dependentSchemas'])

/** Yields the direct subschemas of a schema, with the property's name if it is a property. Other keywords contain data. */
function* children(json: JsonSchema): Generator<readonly [schema: JsonSchema, property?: string]> {
  for (const [keyword, value] of Object.entries(json)) {
    if (one.has(keyword) && isObject(value)) yield [value]
    else if (many.has(keyword) && Array.isArray(value))
      for (const item of value) {
        if (isObject(item)) yield [item]
      }
    else if (named.has(keyword) && isObject(value))
      for (const [name, item] of Object.entries(value)) if (isObject(item)) yield [item, name]
  }
}
