// Declared responses: the value that a handler returns is compared with the schema, literals and tuples included.
import { type Operation, route, router, type Schema } from 'byway'
import * as reply from 'byway/reply'
import { createClient } from 'byway/client'
import { expectType } from 'tsd'
import { z } from 'zod'

const Kind = z.object({ kind: z.enum(['a', 'b']), tags: z.array(z.enum(['x', 'y'])), at: z.string().optional() })
const Pair = z.tuple([z.string(), z.number()])
const Coded = z.object({ code: z.string() })

// ── enums ──

const literal = route('/literal').get({ response: Kind }, () => ({ kind: 'a', tags: ['x'] }))
route('/a').get({ response: Kind }, (request) => (request.url ? { kind: 'a', tags: [] } : reply.notFound()))
route('/a').get({ response: Kind }, async (request) => {
  if (request.url) return reply.notFound()
  return { kind: 'b', tags: ['x', 'y'] }
})
route('/a').get({ response: z.enum(['a', 'b']) }, () => 'a')
route('/a').get({ response: z.enum(['a', 'b']) }, async (request) => (request.url ? 'a' : 'b'))
route('/a').get({ response: z.literal(5) }, () => 5)
// @ts-expect-error not in the enum
route('/a').get({ response: Kind }, () => ({ kind: 'zz', tags: ['x'] }))
// @ts-expect-error not in the enum of an item
route('/a').get({ response: Kind }, () => ({ kind: 'a', tags: ['zz'] }))
// @ts-expect-error not in the enum, in an async handler with two responses
route('/a').get({ response: Kind }, async (request) => {
  if (request.url) return reply.notFound()
  return { kind: 'zz', tags: ['x'] }
})
// @ts-expect-error not in the enum
route('/a').get({ response: z.enum(['a', 'b']) }, () => 'zz')
// @ts-expect-error a string is wider than the enum
route('/a').get({ response: Kind }, (request) => ({ kind: request.method, tags: [] }))
// @ts-expect-error a field is missing
route('/a').get({ response: Kind }, async () => ({ kind: 'a' }))

// ── tuples ──

const pair = route('/pair').get({ response: Pair }, () => ['a', 1])
route('/a').get({ response: z.object({ pair: Pair }) }, async () => ({ pair: ['a', 1] }))
route('/a').get({ response: Pair }, async (request) => {
  if (request.url) return reply.notFound()
  return ['a', 1]
})
// @ts-expect-error the second element is a number
route('/a').get({ response: Pair }, () => ['a', 'b'])
// @ts-expect-error an element is missing
route('/a').get({ response: Pair }, () => ['a'])

// ── typed Responses ──

route('/a').get({ response: { 201: Kind } }, () => reply.json({ kind: 'a', tags: ['x'] }, { status: 201 }))
route('/a').get({ response: { 200: Kind, 404: Coded } }, (request) =>
  request.url ? { kind: 'a', tags: [] } : reply.json({ code: 'x' }, { status: 404 }),
)
route('/a').get({ response: { 404: Coded } }, () => reply.problem(409, { detail: 'x' }))
// The default status of a reply stays 200, whatever is declared.
const statuses = route('/statuses').get({ response: { 200: Coded, 404: Coded } }, () => reply.json({ code: 'x' }))
// @ts-expect-error not in the enum of the declared status
route('/a').get({ response: { 201: Kind } }, () => reply.json({ kind: 'zz', tags: ['x'] }, { status: 201 }))
// @ts-expect-error another schema for this status
route('/a').get({ response: { 200: Kind, 404: Coded } }, () => reply.json({ code: 1 }, { status: 404 }))
// @ts-expect-error a problem is not the declared body
route('/a').get({ response: { 404: Coded } }, () => reply.notFound())
// @ts-expect-error a plain value has the status 200, which is not declared
route('/a').get({ response: { 201: Coded } }, () => ({ code: 'x' }))
// @ts-expect-error a Response without types
route('/a').get({ response: Kind }, () => new Response('x'))

// ── nothing ──

const empty = route('/empty').post({ response: { 204: z.undefined() } }, () => {})
route('/a').post({ response: { 204: z.undefined() } }, async () => {})
route('/a').post({ response: { 204: z.undefined() } }, async (request) => {
  if (request.url) return reply.notFound()
  return
})
route('/a').post({ response: { 204: z.undefined(), 404: Coded } }, (request) => {
  if (request.url) return reply.json({ code: 'x' }, { status: 404 })
  return
})
// @ts-expect-error nothing is a 204, which is not declared
route('/a').post({ response: { 200: Coded } }, () => {})

// ── the client ──

const app = router({ literal, pair, statuses, empty })
const api = createClient<typeof app>()
const one = await api('/literal').get()
expectType<200>(one.status)
expectType<{ kind: 'a' | 'b'; tags: ('x' | 'y')[]; at?: string }>(one.data)
expectType<[string, number]>((await api('/pair').get()).data)
expectType<200 | 404>((await api('/statuses').get()).status)
expectType<204>((await api('/empty').post()).status)

// ── inputs of the operation ──

// @ts-expect-error a misspelled key next to a correct one: "an operation has no key 'boody'"
route('/a').get({ query: Coded, boody: Coded }, () => 1)
// @ts-expect-error a misspelled key alone
route('/a').get({ qurey: Coded }, () => 1)

// ── declarations without types ──

declare const operation: Operation
declare const schema: Schema
route('/a').post(operation, () => 'ok')
route('/a').post({ response: schema }, () => 'ok')
route('/a').post({ body: schema }, (request, { body }) => expectType<unknown>(body))
