import { standardOf, type Schema } from '../schema.js'

/** A JSON Schema of draft 2020-12, the dialect of OpenAPI 3.1. */
export interface JsonSchema {
  [keyword: string]: unknown
}

/** The side of a schema: the values that it accepts (`input`) or returns (`output`). */
export type Side = 'input' | 'output'

interface Standard {
  readonly vendor?: string
  readonly jsonSchema?: { readonly [side in Side]: (options: object) => JsonSchema }
}

/** A schema cannot be converted to JSON Schema. */
export class NoJsonSchema extends Error {
  override readonly name = 'NoJsonSchema'
}

/**
 * Returns the JSON Schema of a validator that implements Standard JSON Schema.
 *
 * @throws NoJsonSchema if the validator does not implement it, or cannot convert this schema.
 * @see https://standardschema.dev/json-schema
 */
export function toJsonSchema(schema: Schema, side: Side): JsonSchema {
  const { vendor = 'the validator', jsonSchema } = schema['~standard'] as Standard
  if (!jsonSchema)
    throw new NoJsonSchema(
      `${vendor} does not implement Standard JSON Schema` +
        (vendor === 'valibot' ? '; wrap it in toStandardJsonSchema() of @valibot/to-json-schema' : ''),
    )
  try {
    const json = jsonSchema[side]({ target: 'draft-2020-12', libraryOptions: toLibraryOptions(side)[vendor] ?? {} })
    // A copy, because validators can cache and return the same object again.
    return JSON.parse(JSON.stringify(json)) as JsonSchema
  } catch (error) {
    throw new NoJsonSchema(error instanceof Error ? error.message : String(error))
  }
}

// The names that validators generate for `$defs` without an id.
const generatedNames: Readonly<Record<string, RegExp>> = { zod: /^__schema\d+$/, arktype: /^[a-z]+\d+$/ }

/** Returns whether the validator generated this name of a definition. */
export const isGenerated = (schema: Schema, name: string): boolean =>
  (generatedNames[(schema['~standard'] as Standard).vendor ?? ''] ?? /^\d+$/).test(name)

const dateTime = { type: 'string', format: 'date-time' }
const int64 = { type: 'integer', format: 'int64' }

/** The schema of raw bytes. JSON Schema does not define the format `binary`, but client generators support it. */
export const binary: JsonSchema = { type: 'string', format: 'binary' }

/** What the document needs to know about a schema and JSON Schema cannot say. `Schemas` removes it from the schemas. */
export interface Marks {
  /** The type of the values, if they are not JSON: `Date`, `bigint`, `File`. */
  readonly '~type'?: string
  /** Whether the schema converts its input, so that it accepts other types than its JSON Schema names. */
  readonly '~converts'?: true
  /** The media types of a file. */
  readonly '~media'?: readonly string[]
}

const mark = (json: JsonSchema, marks: Marks): JsonSchema => Object.assign(json, marks)

const isBlob = (constructor: unknown): boolean =>
  typeof Blob === 'function' &&
  typeof constructor === 'function' &&
  (constructor === Blob || constructor.prototype instanceof Blob)

// The schema of a class's instances. JSON.stringify sends those that have `toJSON`.
function toInstance(base: JsonSchema, constructor: unknown, side: Side): JsonSchema {
  if (isBlob(constructor)) return mark({ ...base, ...binary }, { '~type': 'File' })
  if (typeof constructor !== 'function') return base
  const isSendable = side === 'output' && 'toJSON' in (constructor.prototype as object)
  return isSendable ? base : mark(base, { '~type': constructor.name })
}

// With these options, libraries convert dates and bigints, and return `{}` instead of throwing for other types without a
// JSON Schema.
const toLibraryOptions = (side: Side): Readonly<Record<string, object>> => ({
  zod: { unrepresentable: 'any', override: (context: ZodContext) => overrideZod(context, side) },
  valibot: {
    errorMode: 'ignore',
    overrideSchema: (context: ValibotContext) => overrideValibot(context, side),
    overrideAction: overrideValibotAction,
  },
  arktype: {
    fallback: {
      date: ({ base }: ArkContext) => mark({ ...base, ...dateTime }, { '~type': 'Date' }),
      domain: ({ base, domain }: ArkContext) =>
        mark(domain === 'bigint' ? { ...base, ...int64 } : base, { '~type': String(domain) }),
      proto: ({ base, proto }: ArkContext) => toInstance(base, proto, side),
      unit: ({ base, unit }: ArkContext) => mark(base, { '~type': typeof unit }),
      default: ({ base }: ArkContext) => base,
    },
  },
})

interface ArkContext {
  readonly base: JsonSchema
  readonly domain?: string
  readonly proto?: unknown
  readonly unit?: unknown
}

interface ZodType {
  readonly _zod: { readonly def: { readonly type: string } }
}

interface ZodContext {
  readonly zodSchema: Schema & {
    readonly meta?: () => { readonly readOnly?: unknown } | undefined
    readonly _zod: {
      readonly def: {
        readonly type: string
        readonly coerce?: boolean
        readonly catchall?: unknown
        readonly discriminator?: string
        readonly values?: readonly unknown[]
        readonly in?: ZodType
        readonly out?: ZodType
        readonly reverseTransform?: unknown
      }
      readonly bag: { readonly Class?: unknown }
    }
  }
  readonly jsonSchema: JsonSchema
}

// The types of zod whose values are not JSON. A `void` is undefined.
const zodTypes: Readonly<Record<string, string>> = {
  date: 'Date',
  bigint: 'bigint',
  symbol: 'symbol',
  undefined: 'undefined',
  void: 'undefined',
  nan: 'NaN',
  map: 'Map',
  set: 'Set',
  function: 'function',
}

function overrideZod({ zodSchema, jsonSchema }: ZodContext, side: Side): void {
  const { def, bag } = zodSchema._zod
  const name = def.type === 'literal' ? toLiteralType(def.values) : zodTypes[def.type]
  if (def.coerce) mark(jsonSchema, { '~converts': true })
  else if (name !== undefined) mark(jsonSchema, { '~type': name })
  if (def.type === 'date') Object.assign(jsonSchema, dateTime)
  else if (def.type === 'bigint') Object.assign(jsonSchema, int64)
  // zfd.file() is implemented as z.instanceof(File).
  else if (def.type === 'custom') Object.assign(jsonSchema, toInstance({}, bag.Class, side))
  else if (def.type === 'file') overrideFile(jsonSchema)
  else if (def.type === 'pipe' && side === 'input') overridePipe(zodSchema, jsonSchema)
  // The value is frozen in TypeScript. `readOnly` says that it is only in responses.
  else if (def.type === 'readonly' && zodSchema.meta?.()?.readOnly === undefined) delete jsonSchema['readOnly']
  else if (def.type === 'union' && def.discriminator !== undefined)
    jsonSchema['discriminator'] = { propertyName: def.discriminator }
  // zod strips unknown keys. A property that is added later must not break clients that were generated earlier.
  else if (def.type === 'object' && !def.catchall) delete jsonSchema['additionalProperties']
  else if (def.type === 'number') {
    if (jsonSchema['minimum'] === Number.MIN_SAFE_INTEGER) delete jsonSchema['minimum']
    if (jsonSchema['maximum'] === Number.MAX_SAFE_INTEGER) delete jsonSchema['maximum']
  }
}

// The type of a literal whose values are not JSON.
function toLiteralType(values: readonly unknown[] = []): string | undefined {
  const types = new Set(values.map((value) => typeof value))
  const [type] = types
  return types.size === 1 && (type === 'undefined' || type === 'bigint') ? type : undefined
}

function overrideFile(jsonSchema: JsonSchema): void {
  const { anyOf = [jsonSchema] } = jsonSchema as { anyOf?: readonly { readonly contentMediaType?: string }[] }
  const media = anyOf.flatMap(({ contentMediaType }) =>
    contentMediaType === undefined ? [] : [String(contentMediaType)],
  )
  // Parts of a form have no Content-Transfer-Encoding: https://www.rfc-editor.org/rfc/rfc7578#section-4.7
  delete jsonSchema['contentEncoding']
  // Generators do not support alternatives of one string. The media types are in the encoding of the form.
  delete jsonSchema['anyOf']
  mark(jsonSchema, { '~type': 'File', '~media': media })
}

// The input of a pipe that begins with a function is anything; zod shows what follows. z.stringbool() is a pipe too.
function overridePipe(schema: ZodContext['zodSchema'], jsonSchema: JsonSchema): void {
  const { in: from, out: to, reverseTransform } = schema._zod.def
  if (typeOf(from) === 'transform') mark(jsonSchema, { '~converts': true })
  if (typeOf(from) !== 'string' || typeOf(to) !== 'boolean' || !reverseTransform) return
  try {
    const { issues = [] } = standardOf(schema).validate('\0') as { issues?: { expected?: string; values?: unknown }[] }
    if (issues[0]?.expected === 'stringbool') jsonSchema['enum'] = issues[0].values
  } catch {
    // It is a codec of the app that does not accept every string.
  }
}

const typeOf = (schema: ZodType | undefined): string | undefined => schema?._zod.def.type

interface ValibotContext {
  readonly valibotSchema: { readonly type: string; readonly class?: unknown }
}

const valibotTypes: Readonly<Record<string, string>> = { ...zodTypes, promise: 'Promise' }

function overrideValibot({ valibotSchema }: ValibotContext, side: Side): JsonSchema | undefined {
  const { type, class: constructor } = valibotSchema
  if (type === 'file' || type === 'blob') return mark({ ...binary }, { '~type': 'File' })
  if (type === 'instance') return toInstance({}, constructor, side)
  const name = valibotTypes[type]
  if (name === undefined) return undefined
  const json = type === 'date' ? dateTime : type === 'bigint' ? int64 : {}
  return mark({ ...json }, { '~type': name })
}

// The output of a transform is described by the next schema in the pipe, if there is one.
function overrideValibotAction({
  valibotAction,
}: {
  readonly valibotAction: { readonly type: string }
}): JsonSchema | undefined {
  return /^(?:raw_)?transform$/.test(valibotAction.type) ? {} : undefined
}
