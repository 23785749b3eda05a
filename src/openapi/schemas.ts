import type { Schema } from '../schema.js'
import { isGenerated, NoJsonSchema, toJsonSchema, type JsonSchema, type Side } from './json-schema.js'
import { OpenApiError, toPascal, unique } from './names.js'

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
  readonly #own = new Map<string, JsonSchema>()
  readonly #warn: (message: string) => void

  constructor(warn: (message: string) => void) {
    this.#warn = warn
  }

  /** Returns the JSON Schema of a schema. Warns and returns `{}` if it has none. `hint` names definitions without an id. */
  add(schema: Schema, side: Side, place: string, hint: string): JsonSchema {
    try {
      const json = toJsonSchema(schema, side)
      return this.#hoist(json, side, place, hint, (name) => !isGenerated(schema, name))
    } catch (error) {
      if (!(error instanceof NoJsonSchema)) throw error
      this.#warn(`${place}: the document has no JSON Schema for ${hint}: ${error.message}`)
      return {}
    }
  }

  /** Returns one of byway's own schemas. It gets another name if a schema of the app has the same name. */
  addOwn<name extends string>(name: name, all: { readonly [other in name]: object }): JsonSchema {
    const json =
      this.#own.get(name) ??
      this.#hoist(structuredClone({ $ref: `#/$defs/${name}`, $defs: all }), 'output', 'byway', '', () => false)
    this.#own.set(name, json)
    return json
  }

  /** Follows references. Returns the schema itself if it is not a reference. */
  resolve(json: JsonSchema): JsonSchema {
    const seen = new Set<JsonSchema>()
    for (let target = json; ; target = this.#references.get(target)!.json)
      if (!this.#references.has(target) || seen.size === seen.add(target).size) return target
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
   * Names the definitions that a document uses, and returns them by name.
   *
   * @throws OpenApiError if two different schemas have the same name.
   */
  finish(document: object): Record<string, JsonSchema> {
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
    const names = nameAll(used)
    for (const [node, definition] of this.#references) {
      const identity = used.get(definition)
      if (identity !== undefined) (node as JsonSchema)['$ref'] = `#/components/schemas/${names.get(identity)!}`
    }
    const schemas = new Map([...used].map(([{ json }, identity]) => [names.get(identity)!, json]))
    return Object.fromEntries([...schemas].sort(([one], [other]) => (one < other ? -1 : 1)))
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
function nameAll(used: ReadonlyMap<Definition, string>): ReadonlyMap<string, string> {
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
      const name = id.replace(/[^\w.-]+/g, '_') + (isOther ? 'Input' : '')
      const holder = holders.get(name)
      if (holder)
        throw new OpenApiError(
          `two schemas have the name '${name}', at ${holder.place} and at ${definition.place}; give them different ids`,
        )
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
