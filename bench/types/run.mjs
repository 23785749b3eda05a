// What byway's types cost the compiler: an app of N routes and a client with 20 calls, as TypeScript counts it; and the same
// calls against the declaration file that `byway types` writes of the app.
//
//   node bench/types/run.mjs            instantiations and a hover, at 200 and 1,000 routes
//   node bench/types/run.mjs --check    the same, and fails if a budget is exceeded
//
// A budget with `goal` is not met: lower it with each gain, and never raise it.
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createRequire } from 'node:module'
import { writeTypes } from '../../dist/codegen/types.js'
import { generate } from './generate.mjs'

const root = new URL('../..', import.meta.url).pathname
const folder = join(root, 'bench/types/generated')
const require = createRequire(import.meta.url)
const compilers = { 5.9: 'typescript-5/bin/tsc', 6.0: 'typescript/bin/tsc', 7.0: '@typescript/native/bin/tsc' }
const budget = {
  perRoute: 262,
  hover: 60_000,
  written: 4_000,
  writtenHover: 300,
}
// The budgets of responses are without zod's own part, which alone is more than the goal of 150.
const variants = [
  ['one response schema', { responses: 1 }, { more: 100, hover: 70_000 }],
  ['two response schemas', { responses: 2 }, { more: 105, hover: 71_000 }],
  ['a cache and a .use()', { layers: true }, { more: 188, hover: 90_000, goal: '60, hover 60,000' }],
]

function write(name, files) {
  const to = join(folder, name)
  mkdirSync(to, { recursive: true })
  for (const [file, text] of Object.entries(files)) writeFileSync(join(to, file), text)
  return to
}

// TypeScript 7 checks in parallel, each thread for itself: one thread counts what the others count.
function count(compiler, project) {
  const args = [
    join(root, 'node_modules', compiler),
    '-p',
    project,
    '--noEmit',
    '--extendedDiagnostics',
    ...(compiler.startsWith('@typescript') ? ['--singleThreaded'] : []),
  ]
  const { stdout, status } = spawnSync(process.execPath, args, { encoding: 'utf8', maxBuffer: 1e8 })
  if (status !== 0) throw new Error(`the generated app does not compile:\n${stdout.slice(0, 1500)}`)
  return Number(/^Instantiations:\s+(\d+)/m.exec(stdout)[1])
}

// One hover at a client's call, after an edit, in TypeScript's own language service.
function hover(project) {
  const ts = require(join(root, 'node_modules/typescript-5'))
  const config = ts.parseJsonConfigFileContent(
    ts.readConfigFile(join(project, 'tsconfig.json'), ts.sys.readFile).config,
    ts.sys,
    project,
  )
  const file = join(project, 'client.ts')
  let text = ts.sys.readFile(file)
  let version = 0
  const service = ts.createLanguageService({
    getCompilationSettings: () => config.options,
    getScriptFileNames: () => config.fileNames,
    getScriptVersion: (name) => (name === file ? String(version) : '0'),
    getScriptSnapshot: (name) =>
      ts.sys.fileExists(name) ? ts.ScriptSnapshot.fromString(name === file ? text : ts.sys.readFile(name)) : undefined,
    getCurrentDirectory: () => project,
    getDefaultLibFileName: ts.getDefaultLibFilePath,
    fileExists: ts.sys.fileExists,
    readFile: ts.sys.readFile,
    directoryExists: ts.sys.directoryExists,
    getDirectories: ts.sys.getDirectories,
  })
  const at = () => text.lastIndexOf('const hovered') + 'const '.length
  service.getQuickInfoAtPosition(file, at())
  text = text.replace('// edit here', 'export const edited = 1')
  version++
  const info = service.getQuickInfoAtPosition(file, at())
  return {
    instantiations: service.getProgram().getInstantiationCount(),
    text: ts.displayPartsToString(info.displayParts),
  }
}

rmSync(folder, { recursive: true, force: true })
const sizes = [200, 1000]
const projects = Object.fromEntries(sizes.map((size) => [size, write(`app-${size}`, generate(size))]))
const floors = Object.fromEntries(sizes.map((size) => [size, write(`floor-${size}`, generate(size, { floor: true }))]))
let failed = false
for (const [version, compiler] of Object.entries(compilers)) {
  const counts = sizes.map((size) => count(compiler, projects[size]))
  const floor = sizes.map((size) => count(compiler, floors[size]))
  const perRoute = (counts[1] - counts[0]) / (sizes[1] - sizes[0])
  console.log(
    `TypeScript ${version}: ${sizes.map((size, index) => `${size} routes ${counts[index].toLocaleString('en')} (zod alone ${floor[index].toLocaleString('en')})`).join(', ')}; ${perRoute.toFixed(0)} a route more, ${(counts[1] / sizes[1]).toFixed(0)} a route in all`,
  )
  if (counts[1] / sizes[1] > budget.perRoute) failed = true
}
const { instantiations, text } = hover(projects[200])
console.log(
  `hover of a call at 200 routes, after an edit: ${instantiations.toLocaleString('en')} instantiations\n${text}`,
)
if (instantiations > budget.hover) failed = true

// What declared responses, and a cache and a middleware on each route, add. zod's part is what the same schemas cost a program
// without byway that compares a value with them.
const countEach = (name, options) => count(compilers['5.9'], write(name, generate(1000, options))) / 1000
const plain = count(compilers['5.9'], projects[1000]) / 1000
const plainFloor = count(compilers['5.9'], floors[1000]) / 1000
for (const [name, options, most] of variants) {
  const file = name.replaceAll(/\W+/g, '-')
  const zod = options.responses ? countEach(`variant-floor-${file}`, { ...options, floor: true }) - plainFloor : 0
  const more = countEach(`variant-${file}`, options) - plain - zod
  const hovered = hover(write(`variant-hover-${file}`, generate(200, options))).instantiations - zod * 200
  console.log(
    `${name} on each route: ${more.toFixed(0)} instantiations a route more, hover ${hovered.toLocaleString('en')}${zod ? `; and zod's own part: ${zod.toFixed(0)} a route, ${(zod * 200).toLocaleString('en')} of the hover` : ''}${most.goal ? ` (goal: ${most.goal})` : ''}`,
  )
  if (more > most.more || hovered > most.hover) failed = true
}
if (process.argv.includes('--large')) {
  const large = count(compilers['5.9'], write('app-5000', generate(5000)))
  console.log(`5,000 routes: ${large.toLocaleString('en')}, ${(large / 5000).toFixed(0)} a route`)
}

// A call against the written file: the same however many routes there are.
const written = Object.fromEntries(
  sizes.map((size) => {
    const text = writeTypes(join(projects[size], 'app.ts'), { exportName: 'app' })
    const { 'client.ts': client, 'tsconfig.json': config, 'package.json': json } = generate(size)
    const files = {
      'client.ts': client
        .replaceAll('./app.js', './app.api.js')
        .replace('{ app }', '{ App }')
        .replace('typeof app', 'App'),
    }
    console.log(`written for ${size} routes: ${(text.length / 1000 / size).toFixed(2)} kB a route`)
    return [
      size,
      write(`written-${size}`, { ...files, 'app.api.d.ts': text, 'tsconfig.json': config, 'package.json': json }),
    ]
  }),
)
const isFlat = ([few, many]) => many - few < 100
for (const [version, compiler] of Object.entries(compilers)) {
  const counts = sizes.map((size) => count(compiler, written[size]))
  console.log(
    `TypeScript ${version}, 20 calls against it: ${sizes.map((size, index) => `${size} routes ${counts[index].toLocaleString('en')}`).join(', ')}`,
  )
  if (!isFlat(counts) || counts[1] > budget.written) failed = true
}
const hovers = sizes.map((size) => hover(written[size]).instantiations)
console.log(
  `hover of a call against it, after an edit: ${sizes.map((size, index) => `${size} routes ${hovers[index].toLocaleString('en')}`).join(', ')}`,
)
if (!isFlat(hovers) || hovers[1] > budget.writtenHover) failed = true
if (failed) {
  console.error(
    `over the budget: ${budget.perRoute} instantiations a route in all, ${budget.hover} for the hover; ${variants.map(([name, , { more, hover }]) => `${name}: ${more} more a route, ${hover} for the hover`).join('; ')}; against a written file ${budget.written} and ${budget.writtenHover}, however many routes there are`,
  )
  if (process.argv.includes('--check')) process.exitCode = 1
}
