import { href, route, type Params } from 'byway'
import type { HrefParams } from 'byway/types'
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

// ── what is a pattern: the lists of test/pattern.test.ts ──

route('/')
route('/items')
route('/items/new')
route('/[slug]')
route('/items/[slug]')
route('/[a]/[b]')
route('/items/[slug]/photo')
route('/files/[...path]')
route('/[...path]')
route('/docs/[[...path]]')
route('/[[...path]]')
route('/[lang]/docs/[[...path]]')
route('/[item-id]')
route('/[item_id$2]')
route('/[größe]')
route('/[constructor]')
route('/v1.0/a-b_c~d')
route('/a+b/@me/x=1;y,z')
route('/caf%C3%A9')
route('/café')
route('/a%20b')
route('/...')
route('/.well-known/a')
route('/a:b/c*')
route('/x' as string)

// @ts-expect-error a pattern starts with /
route('')
// @ts-expect-error a pattern starts with /
route('items')
// @ts-expect-error a pattern starts with /
route('[slug]')
// @ts-expect-error a pattern starts with /
route('https://example.com/items')
// @ts-expect-error a pattern does not end with /
route('/items/')
// @ts-expect-error a pattern does not end with /
route('/[slug]/')
// @ts-expect-error a pattern does not end with /
route('/[...path]/')
// @ts-expect-error a segment is empty
route('//')
// @ts-expect-error a segment is empty
route('//items')
// @ts-expect-error a segment is empty
route('/items//new')
// @ts-expect-error a segment is empty
route('/[...path]//new')
// @ts-expect-error a catch-all segment must come last
route('/files/[...path]/meta')
// @ts-expect-error a catch-all segment must come last
route('/files/[...path]/[id]')
// @ts-expect-error a catch-all segment must come last
route('/docs/[[...path]]/edit')
// @ts-expect-error a catch-all segment must come last
route('/[...a]/[...b]')
// @ts-expect-error a param has no name
route('/[]')
// @ts-expect-error a param has no name
route('/items/[]')
// @ts-expect-error a param has no name
route('/[...]')
// @ts-expect-error a param has no name
route('/[[...]]')
// @ts-expect-error 'a b' cannot be the name of a param; use letters, digits, - and _
route('/[a b]')
// @ts-expect-error 'a?' cannot be the name of a param; use letters, digits, - and _
route('/[a?]')
// @ts-expect-error a param is written [slug], not :slug
route('/items/:slug')
// @ts-expect-error a param is written [slug], not {slug}
route('/items/{slug}')
// @ts-expect-error a param is written [name], not :
route('/:')
// @ts-expect-error a catch-all is written [...name], not *
route('/files/*')
// @ts-expect-error a catch-all is written [...path], not *path
route('/files/*path')
// @ts-expect-error a pathname cannot hold "?"
route('/items?page=1')
// @ts-expect-error a pathname cannot hold "#"
route('/items#top')
// @ts-expect-error a pathname cannot hold " "
route('/a b')
// @ts-expect-error a pathname cannot hold "\\\\"
route('/a\\b')
// @ts-expect-error the same for the prefix of a factory
route.prefix('v1')

// Only the parser sees what is wrong with these: to count brackets and compare names would cost each route its own.
route('/[a]/[a]')
route('/[a]/b/[...a]')
route('/[...a.b]')
route('/[__proto__]')
route('/item-[slug]')
route('/[slug].json')
route('/[a][b]')
route('/[slug')
route('/slug]')
route('/[[slug]]')
route('/[[...path]')
route('/[...path]]')
route('/a\nb')
route('/a/../b')
route('/.')
route('/a/%2e%2E')
route('/a/.%2e/b')
route('/a%2')
route('/100%')
route('/a%ff')

// ── href ──

expectType<string>(href('/items'))
expectType<string>(href('/items/[slug]', { slug: 'a' }))
expectType<string>(
  href('/items/[slug]', { slug: 5 }, { query: { page: 2, tag: ['a', 'b'], none: undefined }, hash: 'x' }),
)
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
