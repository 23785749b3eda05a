import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type BodyKind, type Method, route, type RouteOperation, type Schema } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'

/** The data of an operation that the page needs to call it. */
interface OperationInfo {
  readonly method: Method
  readonly pattern: string
  /** The JSON Schemas of `query`, `headers`, and the body under the key of its kind: `body`, `form`, `text`, `bytes`. */
  readonly inputs: { readonly [input: string]: object }
  /** The statuses with a declared response. */
  readonly declared: readonly number[]
}

interface ExplorerOptions {
  /** The title of the page. */
  readonly title?: string
  /** The first value of each param, by name. */
  readonly examples?: { readonly [param: string]: string }
  /** The first value of the `authorization` header. */
  readonly authorization?: string
}

const page = readFileSync(new URL('explorer.html', import.meta.url), 'utf8')
const digest = (tag: string): string => {
  const text = page.slice(page.indexOf(`<${tag}>`) + tag.length + 2, page.indexOf(`</${tag}>`))
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
const policy = [
  "default-src 'none'",
  `script-src ${digest('script')}`,
  `style-src ${digest('style')}`,
  "connect-src 'self'",
  'img-src blob: data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

/** Two routes: a page at `/` that calls the other routes, and their data. */
export const explorer = (routes: Routes, options: ExplorerOptions = {}) => ({
  page: route('/').get({ openapi: { hidden: true } }, () =>
    reply.html(page, { headers: { 'content-security-policy': policy } }),
  ),
  list: route('/routes').get({ openapi: { hidden: true } }, () => ({ ...options, operations: describeRoutes(routes) })),
})

interface Routes {
  readonly [name: string]: {
    readonly pattern: string
    readonly operations: ReadonlyMap<Method, RouteOperation>
  }
}

/** Routes are data, so a page can be made of them. */
function describeRoutes(routes: Routes): OperationInfo[] {
  return Object.values(routes).flatMap(({ pattern, operations }) =>
    Array.from(operations.values(), ({ method, declaration }) => ({
      method,
      pattern,
      inputs: toInputs(declaration),
      declared: toStatuses(declaration.response),
    })),
  )
}

function toInputs({ query, headers, body }: RouteOperation['declaration']): OperationInfo['inputs'] {
  const kind = body && 'read' in body ? (body as BodyKind) : undefined
  return {
    ...(query && { query: toJsonSchema(query) }),
    ...(headers && { headers: toJsonSchema(headers) }),
    ...(body && { [kind?.key ?? 'body']: toJsonSchema((kind ? kind.schema : body) as Schema) }),
  }
}

const toJsonSchema = (schema: Schema): object =>
  z.toJSONSchema(schema as z.ZodType, { io: 'input', unrepresentable: 'any' })

const toStatuses = (response: RouteOperation['declaration']['response']): number[] =>
  !response ? [] : '~standard' in response ? [200] : Object.keys(response).map(Number)
