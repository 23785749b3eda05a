/**
 * The type of a value after `JSON.stringify` and `JSON.parse`: `{ at: Date; none?: undefined; list: (Date | undefined)[] }`
 * gives `{ at: string; list: (string | null)[] }`. Files keep their type. What byway does not send as JSON, such as a Map or
 * a bigint, is `never`.
 */
// prettier-ignore
export type Jsonify<value> =
  unknown extends value                                ? value :
  value extends JsonValue | Blob                       ? value :
  value extends { toJSON(...args: never): infer json } ? Jsonify<json> :
  value extends Absent                                 ? undefined :
  value extends Unsendable                             ? never :
  value extends readonly unknown[]                     ? JsonifyArray<value> :
  JsonifyObject<value>
// JSON already is left as it is: a recursive union of it would have no end.
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue }
// Values that JSON leaves out of an object, and writes as `null` in an array.
type Absent = undefined | symbol | ((...args: never) => unknown) | (abstract new (...args: never) => unknown)
type Unsendable = bigint | ReadonlyMap<any, any> | ReadonlySet<any> | ArrayBuffer | ArrayBufferView

// A written array is resolved when it is used, a mapped one immediately: without an end if it is recursive.
// prettier-ignore
type JsonifyArray<value extends readonly unknown[]> =
  value[number][] extends value ? value extends unknown[] ? JsonifyItem<value[number]>[] : readonly JsonifyItem<value[number]>[] :
  { [index in keyof value]: JsonifyItem<value[index]> }
type JsonifyItem<item> = Jsonify<Exclude<item, Absent>> | (Extract<item, Absent> extends never ? never : null)

// Usually no member can be absent: then the type is one mapped type, which is cheaper and easier to read.
type JsonifyObject<value> =
  HasAbsent<value> extends true
    ? Flat<
        { [key in keyof value as MayBeAbsent<value[key]> extends true ? never : key]: Jsonify<value[key]> } & {
          [
            key in keyof value as MayBeAbsent<value[key]> extends true ? OnlyIfPresent<value[key], key> : never
          ]?: Jsonify<Exclude<value[key], Absent>>
        }
      >
    : { [key in keyof value]: Jsonify<value[key]> }
type HasAbsent<value> = true extends { [key in keyof value]-?: MayBeAbsent<value[key]> }[keyof value] ? true : false
// prettier-ignore
type MayBeAbsent<member> =
  undefined extends member                 ? true :
  [Extract<member, Absent>] extends [never] ? false :
  true
type OnlyIfPresent<member, key> = [member] extends [Absent] ? never : key
type Flat<value> = { [key in keyof value]: value[key] }
