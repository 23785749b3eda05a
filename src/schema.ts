import { isPromise } from './promise.js'

/**
 * Any Standard Schema. The members of `~standard` are not compared, because that would make TypeScript compute the
 * input of each schema.
 *
 * @see https://standardschema.dev
 */
export interface Schema {
  readonly '~standard': unknown
}

// zod's own types are read first: they give the output without the input, and the input without the output, which
// costs a fifth of the whole program. zod documents this member for libraries.
interface ZodSchema {
  readonly _zod: { readonly input: unknown; readonly output: unknown }
}
interface StandardSchema {
  readonly '~standard': { readonly types?: { readonly input: unknown; readonly output: unknown } | undefined }
}

/** The output of a schema. */
// prettier-ignore
export type Output<schema> =
  schema extends ZodSchema      ? schema['_zod']['output'] :
  schema extends StandardSchema ? NonNullable<schema['~standard']['types']>['output'] :
  schema extends Schema         ? unknown :
  undefined

/** The input of a schema. */
// prettier-ignore
export type Input<schema> =
  schema extends ZodSchema      ? schema['_zod']['input'] :
  schema extends StandardSchema ? NonNullable<schema['~standard']['types']>['input'] :
  schema extends Schema         ? unknown :
  undefined

/** The type of a schema that accepts every value of one type, for inputs without a schema: `text()`. */
export interface Unvalidated<value> {
  readonly '~standard': { readonly types: { readonly input: value; readonly output: value } }
}

/** One complaint of a schema about a value. */
export interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** The result of a validation: the schema's output, or its issues. */
export type Result = { readonly value: unknown; readonly issues?: undefined } | { readonly issues: readonly Issue[] }

interface Standard {
  readonly vendor: string
  validate(value: unknown): Result | Promise<Result>
  readonly jsonSchema?: { input(options: object): Record<string, unknown> }
}

/** The schema's members of Standard Schema and Standard JSON Schema. */
export const standardOf = (schema: Schema): Standard => schema['~standard'] as Standard

/** Whether a value is a Standard Schema. */
export const isSchema = (value: unknown): value is Schema =>
  typeof (value as { '~standard'?: Partial<Standard> } | null | undefined)?.['~standard']?.validate === 'function'

/** Validates a value and passes the result to `settle`, immediately if the schema is synchronous. */
export function validate<value>(
  schema: Schema,
  input: unknown,
  settle: (result: Result) => value | Promise<value>,
): value | Promise<value> {
  const result = standardOf(schema).validate(input)
  // It can come from another realm.
  return isPromise(result) ? Promise.resolve(result).then(settle) : settle(result as Result)
}
