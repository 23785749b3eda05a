import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type Method, route, type RouteOperation, type Schema } from 'byway'
import * as reply from 'byway/reply'
import { z } from 'zod'

/** What a page needs to know of an operation to call it. */
interface OperationInfo {
  readonly method: Method
  readonly pattern: string
  /** JSON Schemas. */
  readonly inputs: { readonly [input in (typeof inputs)[number]]?: object }
  /** The statuses whose answer is declared. */
  readonly declared: readonly number[]
}

const inputs = ['query', 'headers', 'body', 'form', 'text', 'bytes'] as const

interface ExplorerOptions {
  /** What is served, in a word or two. */
  readonly title?: string
  /** What the page puts into a param of this name at first. */
  readonly examples?: { readonly [param: string]: string }
  /** What the page suggests for the `authorization` header. */
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

/** Two routes: a page at `/` from which a person calls the others, and what it reads of them. */
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

/** Routes are data: what the router matches by and the client is typed by is here to be read. */
function describeRoutes(routes: Routes): OperationInfo[] {
  return Object.values(routes).flatMap(({ pattern, operations }) =>
    Array.from(operations.values(), ({ method, declaration }) => ({
      method,
      pattern,
      inputs: Object.fromEntries(
        inputs.flatMap((input) => (declaration[input] ? [[input, toJsonSchema(declaration[input])]] : [])),
      ),
      declared: toStatuses(declaration.response),
    })),
  )
}

const toJsonSchema = (schema: Schema): object =>
  z.toJSONSchema(schema as z.ZodType, { io: 'input', unrepresentable: 'any' })

const toStatuses = (response: RouteOperation['declaration']['response']): number[] =>
  !response ? [] : '~standard' in response ? [200] : Object.keys(response).map(Number)
