import { standardOf, type Schema } from '../schema.js'

/** What a schema expects under a name, in all members of a union together. */
export interface Shape {
  readonly types: Set<string>
  readonly members: Map<string, Shape>
}

interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly properties?: { readonly [name: string]: JsonSchema }
  readonly $ref?: string
  readonly $defs?: { readonly [name: string]: JsonSchema }
  readonly allOf?: readonly JsonSchema[]
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
}

// A recursive schema has no end.
const maxDepth = 10
const maxParts = 10_000

/** Reads the shape of a schema from Standard JSON Schema: https://standardschema.dev/json-schema */
export function toShape(schema: Schema): Shape {
  const shape = emptyShape()
  try {
    const root: JsonSchema | undefined = standardOf(schema).jsonSchema?.input({
      target: 'draft-2020-12',
      // In zod's, valibot's and arktype's words: a part without a JSON Schema is left out.
      libraryOptions: { unrepresentable: 'any', errorMode: 'ignore', fallback: ({ base }: { base: object }) => base },
    })
    const parts: [shape: Shape, json: JsonSchema, depth: number][] = [[shape, root ?? {}, 0]]
    // The outer parts first, because the number of parts can grow with a power of the depth.
    for (const [at, json, depth] of parts) {
      const { type = 'enum' in json || 'const' in json ? 'string' : [], $ref, properties = {} } = json
      for (const one of [type].flat()) at.types.add(one)
      if (depth >= maxDepth || parts.length > maxParts) continue
      for (const [name, property] of Object.entries(properties)) {
        const member = at.members.get(name) ?? emptyShape()
        at.members.set(name, member)
        parts.push([member, property, depth + 1])
      }
      const target = $ref && root!.$defs?.[$ref.slice('#/$defs/'.length)]
      for (const part of [json.allOf, json.anyOf, json.oneOf, target].flat())
        if (part) parts.push([at, part as JsonSchema, depth + 1])
    }
  } catch {
    // Without a JSON Schema, repeated names are arrays and others are strings. The schema still validates.
  }
  return shape
}

const emptyShape = (): Shape => ({ types: new Set(), members: new Map() })

/** Whether the name under a shape has an array, and nothing that can be one string. */
export const isArray = (shape: Shape | undefined): boolean => !!shape?.types.has('array') && !shape.types.has('string')

/** Whether the name under a shape has one value. */
export const isScalar = (shape: Shape | undefined): boolean =>
  !!shape?.types.size && !shape.types.has('array') && !shape.types.has('object')

/** Adds another value under a name, which makes it an array. */
export function append(target: Record<string, unknown>, name: string, value: unknown): void {
  const seen = target[name]
  if (Array.isArray(seen)) seen.push(value)
  else target[name] = [seen, value]
}
