import { rewrites, route, router, type Router } from 'byway'
import { expectAssignable, expectType } from 'tsd'
import { z } from 'zod'

const item = route('/items/[slug]').get((request, { params }) => params.slug)
const app = router(
  { item, nested: { deeper: { item } } },
  {
    basePath: '/api',
    trailingSlash: 'ignore',
    bodyLimit: 1_000,
    responseValidation: false,
    rewrites: rewrites([
      { source: '/old/[slug]', destination: '/items/[slug]' },
      { source: '/docs/[...path]', destination: '/files/[...path]?from=docs' },
    ]),
    onError(error, info) {
      expectType<unknown>(error)
      expectType<Request>(info.request)
      expectType<string | undefined>(info.pattern)
    },
  },
)
expectAssignable<Router<{ item: typeof item; nested: { deeper: { item: typeof item } } }>>(app)
expectType<Response | Promise<Response>>(app.fetch(new Request('http://test')))
app.fetch(new Request('http://test'), { DB: 1 }, { waitUntil: () => {} })
expectType<Promise<void>>(app.settled())
// What hosts take as their default export.
expectAssignable<{
  fetch(
    request: Request,
    env: unknown,
    context: { waitUntil(promise: Promise<unknown>): void },
  ): Response | Promise<Response>
}>(app)

// @ts-expect-error a destination uses what its source does not capture
router({ item }, { rewrites: rewrites([{ source: '/old/[slug]', destination: '/items/[id]' }]) })
// @ts-expect-error one segment is not many
router({ item }, { rewrites: rewrites([{ source: '/old/[path]', destination: '/files/[...path]' }]) })
// @ts-expect-error not a pattern
router({ item }, { rewrites: rewrites([{ source: 'old', destination: '/items' }]) })
// @ts-expect-error a misspelled option
router({ item }, { trailingslash: 'ignore' })
router({ item }, { trailingSlash: 'always' })
// @ts-expect-error not one of the four
router({ item }, { trailingSlash: 'never' })
// @ts-expect-error rules instead of rewrites(rules)
router({ item }, { rewrites: [{ source: '/old', destination: '/items' }] })
// @ts-expect-error options instead of problems(options)
router({ item }, { problems: { schema: z.string(), toBody: () => 'error' } })
