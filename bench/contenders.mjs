// What bench/match compares. Each contender is made from the same routes and gives `run(urls, methods)`, which does what a
// server does for each request: it finds the pathname in the URL (by the same two `indexOf` for all), matches, and calls
// the method's handler, which reads each of its params by name. byway matches in the URL itself; the others need the
// pathname, and slice it. No contender decodes unless it does so by itself.
import { buildSync } from 'esbuild'
import FindMyWay from 'find-my-way'
import { RegExpRouter } from 'hono/router/reg-exp-router'
import { SmartRouter } from 'hono/router/smart-router'
import { TrieRouter } from 'hono/router/trie-router'
import { Router as IttyRouter } from 'itty-router'
import { Memoirist } from 'memoirist'
import { mkdirSync } from 'node:fs'
import { createMultiMatcher } from '@remix-run/route-pattern/match'
import { addRoute, createRouter, findRoute } from 'rou3'
import { compileRouter } from 'rou3/compiler'

// The package does not export its matcher. BYWAY_MATCHER=file compares another one.
const folder = new URL('node_modules/.cache/', import.meta.url)
mkdirSync(folder, { recursive: true })
export const bundle = new URL(`byway-matcher-${process.pid}.mjs`, folder)
buildSync({
  entryPoints: [process.env.BYWAY_MATCHER ?? new URL('../src/matcher.ts', import.meta.url).pathname],
  outfile: bundle.pathname,
  bundle: true,
  format: 'esm',
  target: 'es2022',
})
const { Matcher, paramsOf } = await import(bundle.href)

const namesOf = (pattern) => [...pattern.matchAll(/[:*](\w+)/g)].map(([, name]) => name)

// One function for each set of names, as handlers are: each of their property reads sees one kind of object.
function toReader(makers, names, source) {
  const key = names.join()
  let reader = makers.get(key)
  if (!reader) makers.set(key, (reader = source(names)))
  return reader
}
const sumOf = (names, read) => `return ${names.map((name) => `${read(name)}.length`).join(' + ') || '0'}`

// For all whose match has an object of params.
function toParamsReaders(rename = (name) => name) {
  const makers = new Map()
  return (pattern) => {
    const names = namesOf(pattern).map((name) => (pattern.includes(`*${name}`) ? rename(name) : name))
    return toReader(
      makers,
      names,
      (names) =>
        new Function(
          'params',
          sumOf(names, (name) => `params['${name}']`),
        ),
    )
  }
}

// A match makes its params when a handler reads them; those of a static route never do.
function toByway(routes) {
  const toRead = toParamsReaders()
  const entries = routes.map(({ pattern, methods }) => {
    const handler = { pattern, hasParams: /[:*]/.test(pattern), read: toRead(pattern) }
    return [
      pattern.replace(/:(\w+)/g, '[$1]').replace(/\*(\w+)/g, '[...$1]'),
      new Map(methods.map((method) => [method, handler])),
    ]
  })
  const matcher = new Matcher(entries)
  return {
    run(urls, methods) {
      let sum = 0
      for (let index = 0; index < urls.length; index++) {
        const url = urls[index]
        const start = url.indexOf('/', 8)
        let end = url.indexOf('?', start)
        if (end === -1) end = url.length
        const match = matcher.find(url, start, end)
        const handler = match && match.value.get(methods[index])
        if (handler && handler.hasParams) sum += handler.read(paramsOf(match, url, start, end))
      }
      return sum
    },
    look(url, method, start, end) {
      const match = matcher.find(url, start, end)
      const handler = match?.value.get(method)
      return handler && { pattern: handler.pattern, params: paramsOf(match, url, start, end) }
    },
  }
}

function toMemoirist(routes) {
  const router = new Memoirist()
  const toRead = toParamsReaders(() => '*')
  for (const { pattern, methods } of routes)
    for (const method of methods) router.add(method, pattern.replace(/\*\w+/, '*'), { pattern, read: toRead(pattern) })
  return {
    run(urls, methods) {
      let sum = 0
      for (let index = 0; index < urls.length; index++) {
        const url = urls[index]
        const start = url.indexOf('/', 8)
        let end = url.indexOf('?', start)
        if (end === -1) end = url.length
        const found = router.find(methods[index], url.slice(start, end))
        if (found) sum += found.store.read(found.params)
      }
      return sum
    },
    look(url, method, start, end) {
      const found = router.find(method, url.slice(start, end))
      return found && { pattern: found.store.pattern, params: found.params }
    },
  }
}

function toFindMyWay(routes) {
  const router = FindMyWay()
  const toRead = toParamsReaders(() => '*')
  for (const { pattern, methods } of routes)
    router.on(methods, pattern.replace(/\*\w+/, '*'), () => {}, { pattern, read: toRead(pattern) })
  return {
    run(urls, methods) {
      let sum = 0
      for (let index = 0; index < urls.length; index++) {
        const url = urls[index]
        const start = url.indexOf('/', 8)
        let end = url.indexOf('?', start)
        if (end === -1) end = url.length
        const found = router.find(methods[index], url.slice(start, end))
        if (found) sum += found.store.read(found.params)
      }
      return sum
    },
    look(url, method, start, end) {
      const found = router.find(method, url.slice(start, end))
      return found && { pattern: found.store.pattern, params: found.params }
    },
  }
}

const toRou3Router = (routes) => {
  const router = createRouter()
  const toRead = toParamsReaders()
  for (const { pattern, methods } of routes)
    for (const method of methods)
      addRoute(router, method, pattern.replace('*', '**:'), { pattern, read: toRead(pattern) })
  return router
}

function toRou3(routes) {
  const router = toRou3Router(routes)
  return {
    run(urls, methods) {
      let sum = 0
      for (let index = 0; index < urls.length; index++) {
        const url = urls[index]
        const start = url.indexOf('/', 8)
        let end = url.indexOf('?', start)
        if (end === -1) end = url.length
        const found = findRoute(router, methods[index], url.slice(start, end))
        if (found) sum += found.data.read(found.params)
      }
      return sum
    },
    look(url, method, start, end) {
      const found = findRoute(router, method, url.slice(start, end))
      return found && { pattern: found.data.pattern, params: found.params }
    },
  }
}

function toRou3Compiled(routes) {
  const find = compileRouter(toRou3Router(routes))
  return {
    run(urls, methods) {
      let sum = 0
      for (let index = 0; index < urls.length; index++) {
        const url = urls[index]
        const start = url.indexOf('/', 8)
        let end = url.indexOf('?', start)
        if (end === -1) end = url.length
        const found = find(methods[index], url.slice(start, end))
        if (found) sum += found.data.read(found.params)
      }
      return sum
    },
    look(url, method, start, end) {
      const found = find(method, url.slice(start, end))
      return found && { pattern: found.data.pattern, params: found.params }
    },
  }
}

// A match is `[handlers, stash]`: where there is a stash, the params are places in it. `c.req.param()` reads it like this.
const toHono = (make) => (routes) => {
  const router = make()
  const makers = new Map()
  for (const { pattern, methods } of routes) {
    const read = toReader(makers, namesOf(pattern), (names) =>
      names.length
        ? new Function(
            'keys, stash',
            `if (stash) { ${sumOf(names, (name) => `stash[keys['${name}']]`)} } ${sumOf(names, (name) => `keys['${name}']`)}`,
          )
        : () => 0,
    )
    for (const method of methods) router.add(method, pattern.replace(/\*(\w+)/, ':$1{.+}'), { pattern, read })
  }
  return {
    run(urls, methods) {
      let sum = 0
      for (let index = 0; index < urls.length; index++) {
        const url = urls[index]
        const start = url.indexOf('/', 8)
        let end = url.indexOf('?', start)
        if (end === -1) end = url.length
        const result = router.match(methods[index], url.slice(start, end))
        const first = result[0][0]
        if (first) sum += first[0].read(first[1], result[1])
      }
      return sum
    },
    look(url, method, start, end) {
      const [[first], stash] = router.match(method, url.slice(start, end))
      if (!first) return undefined
      const [{ pattern }, keys] = first
      return {
        pattern,
        params: stash ? Object.fromEntries(namesOf(pattern).map((name) => [name, stash[keys[name]]])) : keys,
      }
    },
  }
}

// Its matching is a loop inside its `fetch`. That loop alone is timed, over the table it made, without the rest of `fetch`.
function toItty(routes) {
  const router = IttyRouter()
  const toRead = toParamsReaders()
  for (const { pattern, methods } of routes)
    for (const method of methods)
      router[method.toLowerCase()](pattern.replace(/\*(\w+)/, ':$1+'), { pattern, read: toRead(pattern) })
  const table = router.routes
  const find = (method, pathname) => {
    for (const [known, expression, [handler]] of table) {
      let match
      if ((known === method || known === 'ALL') && (match = pathname.match(expression)))
        return { handler, params: match.groups || {} }
    }
    return undefined
  }
  return {
    run(urls, methods) {
      let sum = 0
      for (let index = 0; index < urls.length; index++) {
        const url = urls[index]
        const start = url.indexOf('/', 8)
        let end = url.indexOf('?', start)
        if (end === -1) end = url.length
        const found = find(methods[index], url.slice(start, end))
        if (found) sum += found.handler.read(found.params)
      }
      return sum
    },
    look(url, method, start, end) {
      const found = find(method, url.slice(start, end))
      return found && { pattern: found.handler.pattern, params: found.params }
    },
  }
}

// It takes whole URLs only, and parses them: that is inside its time.
function toRemix(routes) {
  const matcher = createMultiMatcher()
  const toRead = toParamsReaders()
  for (const { pattern, methods } of routes)
    matcher.add(pattern, new Map(methods.map((method) => [method, { pattern, read: toRead(pattern) }])))
  return {
    run(urls, methods) {
      let sum = 0
      for (let index = 0; index < urls.length; index++) {
        const match = matcher.match(urls[index])
        const handler = match && match.data.get(methods[index])
        if (handler) sum += handler.read(match.params)
      }
      return sum
    },
    look(url, method) {
      const match = matcher.match(url)
      const handler = match?.data.get(method)
      return handler && { pattern: handler.pattern, params: match.params }
    },
  }
}

export const contenders = {
  byway: toByway,
  memoirist: toMemoirist,
  'find-my-way': toFindMyWay,
  rou3: toRou3,
  'rou3 compiled': toRou3Compiled,
  'Hono RegExpRouter': toHono(() => new RegExpRouter()),
  'Hono TrieRouter': toHono(() => new TrieRouter()),
  'Hono SmartRouter': toHono(() => new SmartRouter({ routers: [new RegExpRouter(), new TrieRouter()] })),
  'itty-router': toItty,
  Remix: toRemix,
}
