import type { HrefParams, QueryValue } from '../href.js'
import type { Schema } from '../schema.js'
import type { HeadersInput } from '../reply.js'
import type { CallOptions } from './options.js'

// Types that a client in one file needs too. They know calls, but no routes.

/** One call: its options except the params, and the value that it resolves to. */
export interface Call<options, result> {
  readonly options: options
  readonly result: result
}

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD' | 'OPTIONS' | 'QUERY'
export type WrittenRoute = { readonly [method in Method]?: Call<unknown, unknown> }

/** Calls the routes of an app by their patterns. */
export interface ClientOf<calls> {
  <pattern extends keyof calls & string>(pattern: pattern): ClientRoute<pattern, calls[pattern]>
}

/** Schemas for the data of successes, by pattern and method. */
export type ResponseSchemas<calls> = {
  readonly [pattern in keyof calls & string]?: {
    readonly [method in keyof calls[pattern] & Method as Lowercase<method>]?: Schema
  }
}

/** One route: its methods in lower case, and its URL. */
export type ClientRoute<pattern extends string, route> = ClientMethods<
  pattern,
  route,
  Documented,
  Lowercase<keyof route & Method>
> &
  ClientUrl<pattern, route>
// By the keys of another type, so that the editor shows their documentation.
type ClientMethods<pattern extends string, route, documented, names extends keyof documented> = {
  readonly [name in names]: ClientCall<pattern, route, route[documented[name] & keyof route]>
}
interface Documented {
  /** Sends a GET request. Resolves to `{ data, error, status, response }`, of which `status` discriminates `data` and `error`. */
  readonly get: 'GET'
  /** Sends a POST request. Resolves to `{ data, error, status, response }`, of which `status` discriminates `data` and `error`. */
  readonly post: 'POST'
  /** Sends a PUT request. Resolves to `{ data, error, status, response }`, of which `status` discriminates `data` and `error`. */
  readonly put: 'PUT'
  /** Sends a PATCH request. Resolves to `{ data, error, status, response }`, of which `status` discriminates `data` and `error`. */
  readonly patch: 'PATCH'
  /** Sends a DELETE request. Resolves to `{ data, error, status, response }`, of which `status` discriminates `data` and `error`. */
  readonly delete: 'DELETE'
  /** Sends a HEAD request. Resolves to `{ error, status, response }`, without data. */
  readonly head: 'HEAD'
  /** Sends an OPTIONS request. Resolves to `{ data, error, status, response }`, of which `status` discriminates `data` and `error`. */
  readonly options: 'OPTIONS'
  /** Sends a QUERY request, a GET with a body. Resolves to `{ data, error, status, response }`, of which `status` discriminates `data` and `error`. */
  readonly query: 'QUERY'
}

type ClientCall<pattern extends string, route, call> =
  call extends Call<infer options, infer result>
    ? (...options: Arguments<WithCallOptions<ParamsOption<pattern, route> & options>>) => Promise<result>
    : never

// The argument is required if one of its options is.
type Arguments<options> = {} extends options ? [options?: options] : [options: options]
// prettier-ignore
type WithCallOptions<options> =
  'headers' extends keyof options ? options & Omit<CallOptions, 'headers'> & OtherHeaders<NonNullable<options['headers']>> :
  options & CallOptions
// An index signature applies to the declared headers too, so it must allow their values.
interface OtherHeaders<declared> {
  readonly headers?: HeadersInput | { readonly [name: string]: string | declared[keyof declared] }
}

// prettier-ignore
type ParamsOption<pattern extends string, route> =
  pattern extends `${string}[${string}` ? Params<ParamsOf<pattern, route>> :
  {}
type Params<params> = {} extends params ? { readonly params?: params } : { readonly params: params }
// prettier-ignore
type ParamsOf<pattern extends string, route> =
  route extends { readonly '~params'?: infer params } ? unknown extends params ? HrefParams<pattern> : NonNullable<params> :
  HrefParams<pattern>

interface ClientUrl<pattern extends string, route> {
  /**
   * Returns the URL of the route with the query of its GET, for a link or an `<img>`.
   *
   * @throws TypeError if a param is missing, empty, or `.` or `..`.
   */
  url(...options: Arguments<ParamsOption<pattern, route> & UrlQuery<route>>): string
}
// prettier-ignore
type UrlQuery<route> =
  route extends { readonly GET: Call<infer options, unknown> } ? 'query' extends keyof options ? Pick<options, 'query'> : AnyQuery :
  AnyQuery
interface AnyQuery {
  readonly query?: { readonly [name: string]: QueryValue | readonly QueryValue[] }
}
