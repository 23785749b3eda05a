import type { BodyKind, InputName } from '../declaration.js'
import type { JsonValue } from '../jsonify.js'
import type { InvalidOperation, ParsedParams } from '../route.js'
import type { Input, Output, Schema } from '../schema.js'

/** The options of a call for the inputs that its operation declares. An option is optional if its input can be absent. */
// prettier-ignore
export type InputOptions<operation> =
  [keyof operation & InputName] extends [never] ? {} :
  Options<{ [name in keyof operation & InputName as OptionName<name, operation[name]>]: OptionValue<name, operation[name]> }>
type Options<values> = {
  readonly [name in keyof values as undefined extends values[name] ? never : name]: values[name]
} & { readonly [name in keyof values as undefined extends values[name] ? name : never]?: values[name] }

// prettier-ignore
type OptionName<name extends PropertyKey, input> =
  input extends Schema                   ? name :
  input extends BodyKind<infer key, any> ? key :
  name
// prettier-ignore
type OptionValue<name, input> =
  input extends BodyKind<infer key, infer schema, infer sent> ? unknown extends sent ? KindInput<key, schema> : sent :
  name extends 'body'  ? SchemaInput<input> :
  OrAbsent<SchemaInput<input>>
type OrAbsent<value> = {} extends value ? value | undefined : value

// prettier-ignore
type KindInput<key, schema> =
  key extends keyof SentBodies ? SentBodies[key] :
  key extends 'form'           ? FormInput<Input<schema>, Output<schema>> :
  // Another format than JSON can hold a Date.
  Sent<Input<schema>, Output<schema>, never>
interface SentBodies {
  readonly text: string
  readonly bytes: Uint8Array<ArrayBuffer> | Blob
  readonly stream: ReadableStream<Uint8Array> | Blob
}
// A form schema can accept any `FormData`, as those of zod-form-data do. Its output tells the caller more.
type FormInput<input, output> = FormData | (FormData extends input ? output : Sent<input, output>)
type SchemaInput<schema> = Sent<Input<schema>, Output<schema>>

/** The params that a client takes: the input of the schemas, and strings; `unknown` if no schema parses them. */
// prettier-ignore
export type ParamsInput<params> =
  unknown extends params                                      ? unknown :
  params extends ParsedParams<infer outer, infer schema>      ? unknown extends outer ? ParamsInput<schema> : ParamsInput<outer> & ParamsInput<schema> :
  params extends Schema                                       ? SchemaInput<params> :
  params

/**
 * A schema's input, with its output in the place of `unknown`: a coercing schema accepts `unknown`. `{ at: unknown }` with
 * the output `{ at: Date }` gives `{ at: Date }`.
 */
// prettier-ignore
export type Sent<input, output, refused = NotReceived> =
  unknown extends input               ? [output] extends [never] ? unknown : output :
  input extends JsonValue             ? input :
  input extends refused               ? InvalidOperation<'no request can hold this value: JSON and URLs have no Date, bigint, Map or Set; declare a codec that takes a string'> :
  input extends NotPlain              ? input :
  input extends readonly unknown[]    ? SentArray<input, output, refused> :
  SentMembers<input, Fitting<input, output>, refused>
// `z.date()` takes a Date, but the server receives a string and rejects it. `z.coerce.date()` takes `unknown`.
type NotReceived = Date | bigint | ReadonlyMap<any, any> | ReadonlySet<any>
// Values that have no members to look into. Maps, files and buffers have a tag.
type NotPlain = undefined | Date | bigint | { readonly [Symbol.toStringTag]: string } | ((...args: never) => unknown)
type SentMembers<input, output, refused> = { [key in keyof input]: Sent<input[key], Member<output, key>, refused> }
// A written array is resolved when it is used, a mapped one immediately: without an end if it is recursive.
// prettier-ignore
type SentArray<input extends readonly unknown[], output, refused> =
  input[number][] extends input ? input extends unknown[] ? Sent<input[number], Member<output, number>, refused>[] : readonly Sent<input[number], Member<output, number>, refused>[] :
  SentMembers<input, output, refused>
// The members of a union that belong to one member of the input; all if a transform hides them.
type Fitting<input, output> = [Extract<output, input>] extends [never] ? output : Extract<output, input>
type Member<output, key> = output extends unknown ? (key extends keyof output ? output[key] : never) : never
