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

const maxDepth = 10

/** Reads the shape of a schema from Standard JSON Schema: https://standardschema.dev/json-schema */
export function toShape(schema: Schema): Shape {
  const shape = emptyShape()
  let root: JsonSchema | undefined
  const add = ({ types, members }: Shape, json: JsonSchema, depth: number): void => {
    if (depth > maxDepth) return
    const { type = 'enum' in json || 'const' in json ? 'string' : [], $ref, properties = {} } = json
    for (const one of [type].flat()) types.add(one)
    for (const [name, property] of Object.entries(properties)) {
      const member = members.get(name) ?? emptyShape()
      members.set(name, member)
      add(member, property, depth + 1)
    }
    const { allOf = [], anyOf = [], oneOf = [] } = json
    const target = $ref && root!.$defs?.[$ref.slice('#/$defs/'.length)]
    for (const part of [...allOf, ...anyOf, ...oneOf, ...(target ? [target] : [])])
      add({ types, members }, part, depth + 1)
  }
  try {
    root = standardOf(schema).jsonSchema?.input({
      target: 'draft-2020-12',
      // In zod's, valibot's and arktype's words: a part without a JSON Schema is left out.
      libraryOptions: { unrepresentable: 'any', errorMode: 'ignore', fallback: ({ base }: { base: object }) => base },
    })
    if (root) add(shape, root, 0)
  } catch {
    // Without a JSON Schema, repeated names are arrays and others are strings. The schema still validates.
  }
  return shape
}

const emptyShape = (): Shape => ({ types: new Set(), members: new Map() })

/** Whether the name under a shape has an array, and nothing that can be one string. */
export const isArray = (shape: Shape | undefined): boolean =>
  !!shape && shape.types.has('array') && !shape.types.has('string')

/** Whether the name under a shape has one value. */
export const isScalar = (shape: Shape | undefined): boolean =>
  !!shape?.types.size && !shape.types.has('array') && !shape.types.has('object')

/** Adds another value under a name, which makes it an array. */
export function append(target: Record<string, unknown>, name: string, value: unknown): void {
  const seen = target[name]
  if (Array.isArray(seen)) seen.push(value)
  else target[name] = [seen, value]
}
