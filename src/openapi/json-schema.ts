import type { Schema } from '../schema.js'

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
    const json = jsonSchema[side]({ target: 'draft-2020-12', libraryOptions: libraryOptions[vendor] ?? {} })
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

const isBlob = (constructor: unknown): boolean =>
  typeof Blob === 'function' &&
  typeof constructor === 'function' &&
  (constructor === Blob || constructor.prototype instanceof Blob)

// With these options, libraries convert dates and bigints, and return `{}` instead of throwing for other types without a
// JSON Schema.
const libraryOptions: Readonly<Record<string, object>> = {
  zod: { unrepresentable: 'any', override: overrideZod },
  valibot: { errorMode: 'ignore', overrideSchema: overrideValibot, overrideAction: overrideValibotAction },
  arktype: {
    fallback: {
      date: ({ base }: ArkContext) => ({ ...base, ...dateTime }),
      domain: ({ base, domain }: ArkContext) => (domain === 'bigint' ? { ...base, ...int64 } : base),
      proto: ({ base, proto }: ArkContext) => (isBlob(proto) ? { ...base, ...binary } : base),
      default: ({ base }: ArkContext) => base,
    },
  },
}

interface ArkContext {
  readonly base: JsonSchema
  readonly domain?: string
  readonly proto?: unknown
}

interface ZodContext {
  readonly zodSchema: {
    readonly _zod: {
      readonly def: { readonly type: string; readonly catchall?: unknown }
      readonly bag: { readonly Class?: unknown }
    }
  }
  readonly jsonSchema: JsonSchema
}

function overrideZod({ zodSchema, jsonSchema }: ZodContext): void {
  const { def, bag } = zodSchema._zod
  if (def.type === 'date') Object.assign(jsonSchema, dateTime)
  else if (def.type === 'bigint') Object.assign(jsonSchema, int64)
  // zfd.file() is implemented as z.instanceof(File).
  else if (def.type === 'custom' && isBlob(bag.Class)) Object.assign(jsonSchema, binary)
  // Parts of a form have no Content-Transfer-Encoding: https://www.rfc-editor.org/rfc/rfc7578#section-4.7
  else if (def.type === 'file') delete jsonSchema['contentEncoding']
  // zod strips unknown keys. A property that is added later must not break clients that were generated earlier.
  else if (def.type === 'object' && !def.catchall) delete jsonSchema['additionalProperties']
  else if (def.type === 'number') {
    if (jsonSchema['minimum'] === Number.MIN_SAFE_INTEGER) delete jsonSchema['minimum']
    if (jsonSchema['maximum'] === Number.MAX_SAFE_INTEGER) delete jsonSchema['maximum']
  }
}

interface ValibotContext {
  readonly valibotSchema: { readonly type: string; readonly class?: unknown }
}

function overrideValibot({ valibotSchema: { type, class: constructor } }: ValibotContext): JsonSchema | undefined {
  if (type === 'date') return { ...dateTime }
  if (type === 'bigint') return { ...int64 }
  return type === 'file' || type === 'blob' || (type === 'instance' && isBlob(constructor)) ? { ...binary } : undefined
}

// The output of a transform is described by the next schema in the pipe, if there is one.
function overrideValibotAction({
  valibotAction,
}: {
  readonly valibotAction: { readonly type: string }
}): JsonSchema | undefined {
  return /^(?:raw_)?transform$/.test(valibotAction.type) ? {} : undefined
}
