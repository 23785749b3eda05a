// The bytes of small whole apps, as a client or an edge host loads them.
//
//   node bench/size/run.mjs            the table
//   node bench/size/run.mjs --check    also fails if a budget is exceeded
//
// BYWAY=folder measures the `dist` folder of another build, BYWAY_BEFORE=folder adds a column for one more. The peers are
// in bench/node_modules; without it, only byway is measured.
import { build } from 'esbuild'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { gzipSync } from 'node:zlib'

const peers = ['hono', 'hono-tiny', 'h3', 'itty-router']

const toPath = (relative) => fileURLToPath(new URL(relative, import.meta.url))

/** The largest number of gzip bytes that each app of byway can have, and the docs page. An app without one is compared only. */
const { 'docs page': pageBudget, ...budgets } = JSON.parse(readFileSync(toPath('budgets.json'), 'utf8'))
const apps = { ...budgets, cached: undefined }

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
const names = Object.keys(libraries)
console.log('Bytes: minified, gzip -9, zod external, default conditions.\n')
console.log(`| app | budget | ${names.join(' | ')} |`)
console.log(`| --- | ---: |${' ---: |'.repeat(names.length)}`)
for (const [app, budget] of Object.entries(apps)) {
  const sizes = {}
  for (const [name, measure] of Object.entries(libraries)) sizes[name] = await measure(app)
  const size = sizes.byway
  if (!size) failures.push(`${app}: does not build; --verbose prints why`)
  else if (size > budget) failures.push(`${app}: ${size} bytes, ${size - budget} over the budget of ${budget}`)
  console.log(`| ${app} | ${toCell(budget)} | ${names.map((name) => toCell(sizes[name])).join(' | ')} |`)
}
const page = await docsPage(dist)
if (page > pageBudget) failures.push(`docs page: ${page} bytes, ${page - pageBudget} over the budget of ${pageBudget}`)
console.log(`\nThe docs page, its script and its style sheet: ${toCell(page)} bytes of ${toCell(pageBudget)}.`)
if (!hasPeers) console.log('\nThe peers are not measured: run npm ci in bench/ first.')
if (process.argv.includes('--check') && failures.length) {
  console.error(`\nbench/size: over budget\n${failures.map((failure) => `  ${failure}`).join('\n')}`)
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
      adaptToOld(build, root)
      build.onResolve({ filter: /^byway(\/|$)/ }, ({ path, kind, pluginData }) =>
        pluginData === root ? undefined : build.resolve(path, { resolveDir: root, kind, pluginData: root }),
      )
    },
  }
}

// For builds from before `byway/reply` and `form()`. Delete it with the last of them.
function adaptToOld(build, root) {
  if (JSON.parse(readFileSync(`${root}/package.json`, 'utf8')).exports['./reply']) return
  build.onLoad({ filter: /apps\/byway\/.*\.js$/ }, ({ path }) => ({
    contents: readFileSync(path, 'utf8')
      .replace("import * as reply from 'byway/reply'", "import { reply } from 'byway'")
      .replace("export * as reply from 'byway/reply'", '')
      .replace('{ form, ', '{ ')
      .replace('body: form(Note)', 'form: Note')
      .replaceAll('body', path.endsWith('form.js') ? 'form' : 'body'),
  }))
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
