import type { Schema } from '../schema.js'

/** A JSON Schema in the dialect of OpenAPI 3.1, which is that of draft 2020-12. */
export interface JsonSchema {
  [keyword: string]: unknown
}

/** What a schema accepts, or what it gives. */
export type Side = 'input' | 'output'

interface Standard {
  readonly vendor?: string
  readonly jsonSchema?: { readonly [side in Side]: (options: object) => JsonSchema }
}

/** A schema cannot be written as JSON Schema. */
export class NoJsonSchema extends Error {
  override readonly name = 'NoJsonSchema'
}

/**
 * The JSON Schema that a validator writes by Standard JSON Schema.
 *
 * @throws NoJsonSchema if it does not.
 * @see https://standardschema.dev/json-schema
 */
export function toJsonSchema(schema: Schema, side: Side): JsonSchema {
  const { vendor = 'its validator', jsonSchema } = schema['~standard'] as Standard
  if (!jsonSchema)
    throw new NoJsonSchema(
      `${vendor} does not write it as Standard JSON Schema` +
        (vendor === 'valibot' ? '; wrap it in toStandardJsonSchema() of @valibot/to-json-schema' : ''),
    )
  try {
    const json = jsonSchema[side]({ target: 'draft-2020-12', libraryOptions: libraryOptions[vendor] ?? {} })
    // A copy: what a validator keeps for the next one who asks stays as it is.
    return JSON.parse(JSON.stringify(json)) as JsonSchema
  } catch (error) {
    throw new NoJsonSchema(error instanceof Error ? error.message : String(error))
  }
}

// Names of `$defs` that a validator made up, for want of one.
const madeUp: Readonly<Record<string, RegExp>> = { zod: /^__schema\d+$/, arktype: /^[a-z]+\d+$/ }

/** Whether a validator made up this name of a definition. */
export const isMadeUp = (schema: Schema, name: string): boolean =>
  (madeUp[(schema['~standard'] as Standard).vendor ?? ''] ?? /^\d+$/).test(name)

const dateTime = { type: 'string', format: 'date-time' }
const int64 = { type: 'integer', format: 'int64' }

/** Bytes as they are. Generators know the format, which JSON Schema leaves to them. */
export const binary: JsonSchema = { type: 'string', format: 'binary' }

const isBlob = (constructor: unknown): boolean =>
  typeof Blob === 'function' &&
  typeof constructor === 'function' &&
  (constructor === Blob || constructor.prototype instanceof Blob)

// What each library is told, so that a date is not an error, and what has no JSON Schema is a gap and no error either.
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
  // zfd.file() is z.instanceof(File) inside.
  else if (def.type === 'custom' && isBlob(bag.Class)) Object.assign(jsonSchema, binary)
  // Parts of a form have no Content-Transfer-Encoding: https://www.rfc-editor.org/rfc/rfc7578#section-4.7
  else if (def.type === 'file') delete jsonSchema['contentEncoding']
  // Unnamed keys are stripped, and one that is named tomorrow must not break a client of today.
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

// What comes out of one is for the schema behind it to say, if there is one.
function overrideValibotAction({
  valibotAction,
}: {
  readonly valibotAction: { readonly type: string }
}): JsonSchema | undefined {
  return /^(?:raw_)?transform$/.test(valibotAction.type) ? {} : undefined
}
