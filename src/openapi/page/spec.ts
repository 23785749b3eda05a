import type { OpenApiDocument, OpenApiOperation, OpenApiParameter } from '../document.js'

/** The JSON Schema keywords that the page uses. */
export interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly format?: string
  readonly title?: string
  readonly description?: string
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly example?: unknown
  readonly examples?: readonly unknown[]
  readonly properties?: { readonly [name: string]: Schema }
  readonly required?: readonly string[]
  readonly additionalProperties?: boolean | Schema
  readonly items?: Schema | false
  readonly prefixItems?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly minimum?: number
  readonly maximum?: number
  readonly exclusiveMinimum?: number
  readonly exclusiveMaximum?: number
  readonly multipleOf?: number
  readonly minLength?: number
  readonly maxLength?: number
  readonly minItems?: number
  readonly maxItems?: number
  readonly uniqueItems?: boolean
  readonly pattern?: string
  readonly deprecated?: boolean
  readonly contentMediaType?: string
}

/** An operation with its method, path and group. */
export interface Entry {
  readonly id: string
  readonly method: string
  readonly path: string
  readonly group: string
  readonly operation: OpenApiOperation
  /** Why the document does not describe the operation. */
  readonly mistake: string | undefined
}

/** The OpenAPI document, with lookups for the page. */
export class Spec {
  readonly document: OpenApiDocument
  readonly entries: readonly Entry[]
  /** The URL of the document. Relative server URLs are resolved against it. */
  readonly url: string

  constructor(document: OpenApiDocument, url: string) {
    this.document = document
    this.url = url
    this.entries = toEntries(document)
  }

  /** Follows a `$ref`. Returns the schema, and its name if it was a reference. */
  resolve(given: Schema | boolean): { readonly schema: Schema; readonly name?: string } {
    // `true` is any value, and `false` none.
    const schema = typeof given === 'object' ? given : {}
    const name = schema.$ref?.replace('#/components/schemas/', '')
    const { schemas } = this.document.components
    return name !== undefined && Object.hasOwn(schemas, name) ? { schema: schemas[name] as Schema, name } : { schema }
  }

  /** Follows a `$ref`, and merges the schemas in `allOf` into one. */
  flatten(given: Schema, seen: readonly Schema[] = []): Schema {
    const { schema } = this.resolve(given)
    if (!schema.allOf || seen.includes(schema)) return schema
    const parts = schema.allOf.map((part) => this.flatten(part, [...seen, schema]))
    const { allOf: _allOf, ...own } = schema
    const all = [...parts, own]
    return {
      ...Object.assign({}, ...all),
      ...(all.some(({ properties }) => properties) && {
        properties: Object.assign({}, ...all.map(({ properties }) => properties)) as Record<string, Schema>,
        required: all.flatMap(({ required = [] }) => required),
      }),
    } as Schema
  }

  /** The operations by group, in display order. */
  get groups(): { readonly name: string; readonly entries: readonly Entry[] }[] {
    const names = [...new Set(this.entries.map(({ group }) => group))]
    return names.map((name) => ({ name, entries: this.entries.filter(({ group }) => group === name) }))
  }

  /** The absolute base URLs of requests. */
  get bases(): string[] {
    return this.document.servers.map(({ url, variables = {} }) => {
      const filled = url.replace(/\{([^}]*)\}/g, (_whole, name: string) => variables[name]?.default ?? '')
      return URL.canParse(filled, this.url) ? new URL(filled, this.url).href.replace(/\/$/, '') : filled
    })
  }
}

const methods = ['get', 'head', 'post', 'put', 'patch', 'delete', 'options'] as const

// Groups operations by tag, in the order of the document's tags. Operations without a tag are grouped by the first path
// segment that is not common to all paths.
function toEntries({ paths, tags = [] }: OpenApiDocument): Entry[] {
  const segments = Object.keys(paths).map((path) => path.split('/').slice(1))
  const isShared = (at: number): boolean =>
    segments.length > 1 && segments.every((one) => one.length > at + 1 && one[at] === segments[0]![at])
  let start = 0
  while (isShared(start)) start++
  const entries = Object.entries(paths).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method]
      if (!operation) return []
      const group = operation.tags?.[0] ?? (path.split('/')[start + 1] || '/')
      return [
        {
          id: operation.operationId,
          method: method.toUpperCase(),
          path,
          group,
          operation,
          mistake: operation['x-byway-error'],
        },
      ]
    }),
  )
  const order = [...new Set([...tags.map(({ name }) => name), ...entries.map(({ group }) => group)])]
  return entries.sort((one, other) => order.indexOf(one.group) - order.indexOf(other.group))
}

/** Returns the path, query or header parameters of an operation. */
export const parametersIn = (
  { parameters = [] }: OpenApiOperation,
  where: OpenApiParameter['in'],
): readonly OpenApiParameter[] => parameters.filter((parameter) => parameter.in === where)
