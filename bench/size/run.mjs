// The bytes of small whole apps, as a client or an edge host loads them.
//
//   node bench/size/run.mjs            the table
//   node bench/size/run.mjs --check    also fails if an app has more bytes than its `most`
//
// `budget` is the goal. Most apps are above it. `most` is the size that has been reached: lower it with each gain, and
// never raise it.
//
// BYWAY=folder measures the `dist` folder of another build, BYWAY_BEFORE=folder adds a column for one more. The peers are
// in bench/node_modules; without it, only byway is measured.
import { build } from 'esbuild'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'

const peers = ['hono', 'hono-tiny', 'h3', 'itty-router', 'elysia', 'orpc', 'fastify']

// Elysia resolves as in a bundle for Workers, and loads file-type only for routes with files. Fastify needs Node.js's modules.
const buildOptions = {
  elysia: { platform: 'browser', external: ['zod', 'node:*', 'file-type'] },
  fastify: { platform: 'node' },
}

const toPath = (relative) => fileURLToPath(new URL(relative, import.meta.url))

/** The gzip bytes that each byway app, and the docs page, should have and can have. An app without them is compared only. */
const { 'docs page': pageBudget, ...budgets } = JSON.parse(readFileSync(toPath('budgets.json'), 'utf8'))
const apps = { ...budgets, cached: {} }

const folderOf = (name, fallback) => {
  const dist = process.env[name] ?? fallback
  return dist && resolve(dist)
}
const dist = folderOf('BYWAY', toPath('../../dist'))
const before = folderOf('BYWAY_BEFORE')
const hasPeers = existsSync(toPath('../node_modules/hono'))

const libraries = {
  byway: (app) => sizeOf('byway', app, dist),
  ...(before && { 'byway before': (app) => sizeOf('byway', app, before) }),
  ...(hasPeers && Object.fromEntries(peers.map((name) => [name, (app) => sizeOf(name, app)]))),
}

const failures = []
const check = (app, size, most) => {
  if (!size) failures.push(`${app}: does not build; --verbose prints why`)
  else if (size > most) failures.push(`${app}: ${size} bytes, ${size - most} more than before`)
}
const names = Object.keys(libraries)
console.log('Bytes: minified, gzip -9, zod external, default conditions.\n')
console.log(`| app | budget | ${names.join(' | ')} |`)
console.log(`| --- | ---: |${' ---: |'.repeat(names.length)}`)
for (const [app, { budget, most }] of Object.entries(apps)) {
  const sizes = {}
  for (const [name, measure] of Object.entries(libraries)) sizes[name] = await measure(app)
  check(app, sizes.byway, most)
  console.log(`| ${app} | ${toCell(budget)} | ${names.map((name) => toCell(sizes[name])).join(' | ')} |`)
}
const page = await docsPage(dist)
check('docs page', page, pageBudget.most)
console.log(`\nThe docs page, its script and its style sheet: ${toCell(page)} bytes of ${toCell(pageBudget.budget)}.`)
if (!hasPeers) console.log('\nThe peers are not measured: run npm ci in bench/ first.')
if (process.argv.includes('--check') && failures.length) {
  console.error(`\nbench/size: larger than before\n${failures.map((failure) => `  ${failure}`).join('\n')}`)
  process.exitCode = 1
}

function toCell(bytes) {
  return bytes ? bytes.toLocaleString('en') : '–'
}

/** The gzip bytes of an app, or `undefined` if there is no such app, or it does not build. */
async function sizeOf(library, app, dist) {
  const file = toPath(`apps/${library}/${app}.js`)
  if (!existsSync(file)) return undefined
  const { outputFiles } = await build({
    entryPoints: [file],
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2022',
    platform: 'neutral',
    external: ['zod', 'node:*'],
    logLevel: 'silent',
    ...buildOptions[library],
    plugins: dist ? [resolveByway(dist)] : [],
  }).catch((error) => {
    if (process.argv.includes('--verbose')) console.error(error.message)
    return { outputFiles: [] }
  })
  return outputFiles[0] && gzipSync(outputFiles[0].contents, { level: 9 }).length
}

/** Resolves `byway` as an app that has the build installed does: through `exports` of the package.json next to `dist`. */
function resolveByway(dist) {
  const root = dirname(dist)
  return {
    name: 'byway',
    setup(build) {
      build.onResolve({ filter: /^byway(\/|$)/ }, ({ path, kind, pluginData }) =>
        pluginData === root ? undefined : build.resolve(path, { resolveDir: root, kind, pluginData: root }),
      )
    },
  }
}

/**
 * The gzip bytes of the docs page's script and style sheet, each compressed alone, as a browser loads them. The HTML, the icon
 * and the app's document are not part of it.
 */
async function docsPage(dist) {
  const folder = `${dist}/openapi/page`
  let sum = 0
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.text.js'))) {
    const { default: text } = await import(pathToFileURL(`${folder}/${name}`).href)
    sum += gzipSync(text, { level: 9 }).length
  }
  return sum
}
