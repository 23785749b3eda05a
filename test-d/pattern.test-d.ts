import { href, route, type HrefParams, type Params } from 'byway'
import { expectAssignable, expectType } from 'tsd'

// ── what a pattern captures; test/pattern.test.ts has the same list ──

declare const root: Params<'/'>
expectType<{}>(root)
declare const fixed: Params<'/items/new'>
expectType<{}>(fixed)
declare const one: Params<'/items/[slug]'>
expectType<{ readonly slug: string }>(one)
declare const two: Params<'/a/[b]/c/[d]'>
expectType<{ readonly b: string; readonly d: string }>(two)
declare const all: Params<'/files/[...path]'>
expectType<{ readonly path: string[] }>(all)
declare const mixed: Params<'/a/[b]/[...c]'>
expectType<{ readonly b: string; readonly c: string[] }>(mixed)
declare const optional: Params<'/a/[b]/[[...c]]'>
expectAssignable<{ readonly b: string; readonly c?: string[] }>(optional)
declare const anything: Params<'/[[...c]]'>
expectAssignable<{ readonly c?: string[] }>(anything)

// ── what is a pattern ──

route('/')
route('/items/new')
route('/items/[slug]')
route('/a/[b]/c/[d]')
route('/files/[...path]')
route('/a/[[...path]]')
route('/café/%C3%A9')
route('/items:batch')
route('/x' as string)

// @ts-expect-error a pattern starts with /
route('items')
// @ts-expect-error a pattern starts with /
route('')
// @ts-expect-error a pattern does not end with /
route('/items/')
// @ts-expect-error a segment is empty
route('/a//b')
// @ts-expect-error a param has no name
route('/items/[]')
// @ts-expect-error a param has no name
route('/items/[...]')
// @ts-expect-error a param has no name
route('/items/[[...]]')
// @ts-expect-error a catch-all segment must come last
route('/files/[...path]/meta')
// @ts-expect-error a catch-all segment must come last
route('/files/[[...path]]/meta')
// @ts-expect-error a param is written [name], not :name
route('/items/:slug')
// @ts-expect-error a catch-all is written [...name], not *
route('/files/*')
// @ts-expect-error the same for the prefix of a factory
route.prefix('v1')

// ── href ──

expectType<string>(href('/items'))
expectType<string>(href('/items/[slug]', { slug: 'a' }))
expectType<string>(href('/items/[slug]', { slug: 5 }, { query: { page: 2, tag: ['a', 'b'], none: undefined }, hash: 'x' }))
expectType<string>(href('/files/[...path]', { path: ['a', 1] }))
expectType<string>(href('/files/[[...path]]'))
declare const numbers: HrefParams<'/items/[id]'>
expectType<{ readonly id: string | number }>(numbers)

// @ts-expect-error a param is missing
href('/items/[slug]')
// @ts-expect-error a param is missing
href('/items/[slug]', {})
// @ts-expect-error a param that the pattern lacks
href('/items/[slug]', { id: 'a' })
// @ts-expect-error a catch-all is an array
href('/files/[...path]', { path: 'a/b' })
// @ts-expect-error a query holds no objects
href('/items', {}, { query: { filter: { a: 1 } } })
