/** What is left of a value after JSON: a `Date` is a string, `undefined` is gone. Files travel as they are. */
// prettier-ignore
export type Jsonify<value> =
  unknown extends value                                 ? value :
  value extends JsonValue | Blob                        ? value :
  value extends { toJSON(...args: never): infer json }  ? Jsonify<json> :
  value extends Unsendable                              ? undefined :
  value extends readonly unknown[]                      ? JsonifyArray<value> :
  JsonifyObject<value>
// What is JSON already needs no look inside; a recursive union of it would have no end.
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }
// A written array is looked into when it is used, a mapped one at once: without end, if it is recursive.
// prettier-ignore
type JsonifyArray<value extends readonly unknown[]> =
  value[number][] extends value ? value extends unknown[] ? Jsonify<value[number]>[] : readonly Jsonify<value[number]>[] :
  { [index in keyof value]: Jsonify<value[index]> }
// One flat object to look at when nothing in it can be undefined, which is the usual case.
type JsonifyObject<value> =
  HasUndefined<value> extends true
    ? Flat<
        {
          [
            key in keyof value as undefined extends value[key] ? never : value[key] extends Unsendable ? never : key
          ]: Jsonify<value[key]>
        } & {
          [
            key in keyof value as undefined extends value[key] ? (value[key] extends Unsendable ? never : key) : never
          ]?: Jsonify<Exclude<value[key], undefined>>
        }
      >
    : { [key in keyof value]: Jsonify<value[key]> }
type HasUndefined<value> = true extends {
  [key in keyof value]-?: value[key] extends Unsendable ? true : undefined extends value[key] ? true : false
}[keyof value]
  ? true
  : false
type Flat<value> = { [key in keyof value]: value[key] }
type Unsendable = undefined | symbol | ((...args: never) => unknown) | (abstract new (...args: never) => unknown)
