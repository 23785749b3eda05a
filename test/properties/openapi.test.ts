import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { route, router, RouterError, type Operation } from '../../src/index.js'
import { openapi, type OpenApiDocument } from '../../src/openapi/index.js'
import { runs } from './runs.js'

const Price = z.object({ amount: z.coerce.number().default(1) }).meta({ id: 'Price' })
const Tree: z.ZodType = z.object({
  price: Price,
  get kids() {
    return z.array(Tree)
  },
})

// Recursive schemas, nested schemas, named schemas, and names that a JSON pointer must escape.
const { schema } = fc.letrec<{ schema: z.ZodType; object: z.ZodType }>((tie) => ({
  object: fc
    .dictionary(fc.constantFrom('a', '$ref', 'b/c', '~d', '%41', 'items'), tie('schema'), { maxKeys: 3 })
    .map((shape) => z.object(shape)),
  schema: fc.oneof(
    { depthSize: 'small' },
    fc.constantFrom<z.ZodType>(z.string(), z.coerce.date(), Price, Tree, z.record(z.string(), Tree)),
    tie('object'),
    tie('object').map((object) => z.array(object)),
    fc.array(tie('object'), { minLength: 2, maxLength: 2 }).map(([one, other]) => z.union([one!, other!])),
    fc.tuple(tie('object'), fc.boolean()).map(([inside, isDirect]) => {
      const self: z.ZodType = z.object({
        inside,
        get self() {
          return isDirect ? self.optional() : z.array(z.object({ self }))
        },
      })
      return self
    }),
  ),
}))

const segment = fc.oneof(fc.constantFrom('a', 'b', 'c%20d', '%7Be%7D'), fc.constantFrom('[x]', '[y]', '[z]'))
const last = fc.constantFrom('', '/[...rest]', '/[[...more]]', '/[one]')
const pattern = fc
  .tuple(fc.uniqueArray(segment, { maxLength: 3 }), last)
  .map(([segments, end]) => segments.map((text) => `/${text}`).join('') + end || '/')
const declared = fc.record({ query: schema, body: schema, response: schema }, { requiredKeys: [] })
const routes = fc.array(fc.tuple(pattern, declared, declared), { minLength: 1, maxLength: 4 })

function toApp(given: readonly (readonly [string, Operation, Operation])[]) {
  const define = ([pattern, { query = z.any(), response = z.any() }, post]: (typeof given)[number], index: number) => [
    `route-${index}`,
    (route(pattern as '/') as any).get({ query, response }, () => null).post(post, () => null),
  ]
  try {
    return router(Object.fromEntries(given.map(define)))
  } catch (error) {
    // Two patterns match the same pathnames.
    if (!(error instanceof RouterError)) throw error
    return undefined
  }
}

function* objectsIn(value: unknown): Generator<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return
  yield value as Record<string, unknown>
  for (const inner of Object.values(value)) yield* objectsIn(inner)
}

const documents = routes
  .map(toApp)
  .filter((app) => app !== undefined)
  .map((app) => openapi(app!, { info: { title: 'a', version: '1' }, onWarning: () => {} }))
const operationsOf = ({ paths }: OpenApiDocument) =>
  Object.entries(paths).flatMap(([path, item]) => Object.values(item).map((operation) => ({ path, operation })))

describe('openapi of any app', () => {
  it('has no reference without a component, and no component without a reference', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const { schemas } = document.components
        const targets = [...objectsIn(document)].flatMap(({ $ref }) => (typeof $ref === 'string' ? [$ref] : []))
        expect([...new Set(targets)].sort()).toEqual(
          Object.keys(schemas)
            .map((name) => `#/components/schemas/${name}`)
            .sort(),
        )
        expect(Object.keys(schemas).filter((name) => !/^[\w.-]+$/.test(name))).toEqual([])
      }),
      { numRuns: runs(150) },
    )
  })

  it('has the same params in each path and in its operations', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const all = operationsOf(document)
        for (const { path, operation } of all) {
          const names = [...path.matchAll(/\{(.*?)\}/g)].map(([, name]) => name)
          const params = (operation.parameters ?? []).filter((one) => one.in === 'path')
          expect(params.map(({ name, required }) => [name, required])).toEqual(names.map((name) => [name, true]))
        }
        expect(all.length).toBeGreaterThan(0)
      }),
      { numRuns: runs(100) },
    )
  })

  it('has no paths that differ only in param names, and no duplicate operationId', () => {
    fc.assert(
      fc.property(documents, (document) => {
        const shapes = Object.keys(document.paths).map((path) => path.replace(/\{.*?\}/g, '{}'))
        expect(shapes).toEqual([...new Set(shapes)])
        const ids = operationsOf(document).map(({ operation }) => operation.operationId)
        expect(ids).toEqual([...new Set(ids)])
      }),
      { numRuns: runs(100) },
    )
  })
})
