import { standardOf, type Schema } from '../schema.js'

/** What a schema expects under a name: an array, one value, an object with names of its own, or nothing in particular. */
export interface Shape {
  readonly kind: 'array' | 'scalar' | 'object' | 'any'
  readonly members: ReadonlyMap<string, Shape>
}

const maxShapes = 16

/**
 * The shapes of the objects that a schema accepts: one for each member of a union, so that a name can be an array in one
 * and a string in another. Read from Standard JSON Schema (https://standardschema.dev/json-schema).
 */
export function toShapes(schema: Schema): readonly Shape[] {
  let root: JsonSchema | undefined
  try {
    root = standardOf(schema).jsonSchema?.input({
      target: 'draft-2020-12',
      // In zod's, valibot's and arktype's words: a part without a JSON Schema is left out.
      libraryOptions: { unrepresentable: 'any', errorMode: 'ignore', fallback: ({ base }: { base: object }) => base },
    }) as JsonSchema | undefined
  } catch {
    // Without a JSON Schema, repeated names are arrays and others are strings. The schema still validates.
  }
  const resolve = ({ $ref, ...json }: JsonSchema): JsonSchema =>
    $ref === undefined ? json : { ...root?.$defs?.[$ref.replace('#/$defs/', '')], ...json }

  // All alternatives of a schema, each without unions.
  const alternatives = (given: JsonSchema, depth: number): readonly JsonSchema[] => {
    const { allOf, anyOf, oneOf, ...own } = resolve(given)
    let all: readonly JsonSchema[] = [own]
    const parts = [...(allOf ?? []).map((part) => [part]), ...(anyOf ? [anyOf] : []), ...(oneOf ? [oneOf] : [])]
    if (depth < 10)
      for (const part of parts) {
        const others = part.flatMap((one) => alternatives(one, depth + 1))
        all = all.flatMap((one) => others.map((other) => merge(one, other))).slice(0, maxShapes)
      }
    return all
  }
  const toShape = (json: JsonSchema, depth: number): Shape => {
    const types = new Set(alternatives(json, depth).flatMap(typesOf))
    const kind = !types.size
      ? 'any'
      : !types.has('array') && !types.has('object')
        ? 'scalar'
        : types.has('string')
          ? 'any'
          : types.has('array')
            ? 'array'
            : 'object'
    return { kind, members: kind === 'object' && depth < 10 ? membersOf(alternatives(json, depth), depth) : new Map() }
  }
  const membersOf = (all: readonly JsonSchema[], depth: number): Map<string, Shape> =>
    new Map(
      all.flatMap(({ properties = {} }) =>
        Object.entries(properties).map(([name, property]) => [name, toShape(property, depth + 1)] as const),
      ),
    )
  const shapes = alternatives(root ?? {}, 0).map((json) => ({ kind: 'object', members: membersOf([json], 0) }) as const)
  // The first one decides the errors that a client sees if none of them matches.
  return shapes.filter((shape, index) => shapes.findIndex((other) => isSame(shape, other)) === index)
}

const isSame = (one: Shape, other: Shape): boolean =>
  one.kind === other.kind &&
  one.members.size === other.members.size &&
  [...one.members].every(([name, shape]) => other.members.has(name) && isSame(shape, other.members.get(name)!))

const typesOf = (json: JsonSchema): readonly string[] =>
  json.enum || 'const' in json ? ['string'] : [json.type ?? []].flat()

const merge = (one: JsonSchema, other: JsonSchema): JsonSchema => ({
  ...one,
  ...other,
  properties: { ...one.properties, ...other.properties },
})

interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly properties?: { readonly [name: string]: JsonSchema }
  readonly $ref?: string
  readonly $defs?: { readonly [name: string]: JsonSchema }
  readonly allOf?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
}
