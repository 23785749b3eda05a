// node match.mjs [mix …] [--rounds=60]
// Every mix has a process of its own, because what V8 learns of one would be in the figures of the next. In it all
// contenders take turns, in many short rounds; the figures are medians of the rounds.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { median, printMachine, toRandom, versionOf } from './measure.mjs'
import { generated, github, overlapping, small } from './routes.mjs'

const mixes = {
  small: () => small,
  github: () => github,
  'generated 10': () => generated(10, toRandom(10)),
  'generated 100': () => generated(100, toRandom(100)),
  'generated 1000': () => generated(1000, toRandom(1000)),
  'generated 10000': () => generated(10_000, toRandom(10_000)),
  'overlapping 2^10': () => overlapping(10),
}

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const rounds = Number(process.argv.find((argument) => argument.startsWith('--rounds='))?.slice(9) ?? 100)

if (!process.env.BENCH_MIX) {
  printMachine()
  console.log(
    ['memoirist', 'find-my-way', 'rou3', 'hono', 'itty-router', '@remix-run/route-pattern']
      .map((name) => `${name} ${versionOf(name)}`)
      .join(', '),
  )
  for (const name of Object.keys(mixes))
    if (!asked.length || asked.some((part) => name.includes(part)))
      spawnSync(process.execPath, [import.meta.filename ?? process.argv[1], `--rounds=${rounds}`], {
        env: { ...process.env, BENCH_MIX: name },
        stdio: 'inherit',
      })
} else await measure(process.env.BENCH_MIX)

async function measure(name) {
  const { contenders, bundle } = await import('./contenders.mjs')
  rmSync(bundle, { force: true })
  const random = toRandom(7)
  // Where the order of declaration decides, as in Hono and itty, this order gives the right match.
  const routes = mixes[name]().toSorted((one, other) => compareRank(one.pattern, other.pattern))
  const sets = toRequests(routes, random)

  const made = []
  const notes = []
  const only = process.env.BENCH_ONLY?.split(',')
  for (const [contender, make] of Object.entries(contenders)) {
    if (only && !only.includes(contender)) continue
    let one
    try {
      one = make(routes)
      one.look('http://localhost:3000/', 'GET', 21, 22)
    } catch (error) {
      notes.push(`${contender} refuses these routes: ${String(error.message ?? error).slice(0, 100)}`)
      continue
    }
    const wrong = countWrong(one, sets)
    if (wrong) notes.push(`${contender} answers ${wrong} of ${sets.hit.length + sets.miss.length} requests otherwise`)
    made.push({ contender, run: one.run, times: { hit: [], miss: [] }, batch: { hit: 0, miss: 0 } })
  }

  // Batches of about a millisecond. The first rounds warm up, and are not counted.
  for (const set of ['hit', 'miss'])
    for (const one of made) {
      let count = 16
      for (;;) {
        const time = timeOf(one, sets[set], count)
        if (time > 1e6 || count >= 2048) break
        count = Math.min(2048, Math.max(count + 1, Math.ceil(count * Math.min(4, (1.1e6 / time) * 1.1))))
      }
      one.batch[set] = count
    }
  const warm = Math.ceil(rounds / 4)
  // Contenders that need a hundred times the time of the fastest take turns among themselves, afterwards: one of their turns
  // would empty the processor's caches for the others.
  const fastest = (set) => Math.max(...made.map(({ batch }) => batch[set]))
  const isSlow = ({ batch }) => batch.hit * 100 < fastest('hit') || batch.miss * 100 < fastest('miss')
  for (const group of [made.filter((one) => !isSlow(one)), made.filter(isSlow)])
    for (let round = 0; round < warm + rounds; round++)
      for (const set of ['hit', 'miss'])
        for (let turn = 0; turn < group.length; turn++) {
          const one = group[(turn + round) % group.length]
          const time = timeOf(one, sets[set], one.batch[set]) / one.batch[set]
          if (round >= warm) one.times[set].push(time)
        }

  const base = { hit: median(made[0].times.hit), miss: median(made[0].times.miss) }
  console.log(`\n${name}: ${routes.length} patterns\n`)
  console.log('| | hit, ns | ratio | miss, ns | ratio |\n| --- | ---: | ---: | ---: | ---: |')
  for (const { contender, times } of made) {
    const cells = ['hit', 'miss'].flatMap((set) => {
      const time = median(times[set])
      return [time.toFixed(0), (time / base[set]).toFixed(2)]
    })
    console.log(`| ${contender} | ${cells.join(' | ')} |`)
  }
  for (const note of notes) console.log(`\n${note}`)
}

// New strings, as a server gets them: without a hash, and without memory that they share.
function timeOf({ run }, requests, count) {
  const urls = []
  const methods = []
  for (let index = 0; index < Math.ceil(count * 1.25); index++) {
    const { bytes, method } = requests[index % requests.length]
    urls.push(bytes.latin1Slice(0, bytes.length))
    methods.push(method)
  }
  // Brings the contender's data back into the processor's caches, which the other turns have filled.
  let sum = run(urls.splice(0, urls.length >> 2), methods.splice(0, methods.length >> 2))
  const begin = process.hrtime.bigint()
  sum += run(urls, methods)
  const time = (Number(process.hrtime.bigint() - begin) / urls.length) * count
  if (sum === 0.5) console.log(sum)
  return time
}

// Up to 512 requests that match a route, and as many that match none: half of them have one segment too many at the end, the
// others a static segment that no route has. They go to a hundred of the routes: with more, most of the handlers, one function
// for each set of names, would still be compiled while the time is measured.
function toRequests(routes, random) {
  const pick = (list) => list[Math.floor(random() * list.length)]
  const value = () =>
    Math.floor(random() * 36 ** 6)
      .toString(36)
      .padStart(1 + Math.floor(random() * 9), 'z')
  const toUrl = (path) => `http://localhost:3000${path}${random() < 0.5 ? '?page=2' : ''}`
  const toPath = ({ pattern }) =>
    pattern.replace(/:\w+/g, value).replace(/\*\w+/g, () => `${value()}/${value()}/${value()}`)
  const hit = []
  const miss = []
  const fits = toNaive(routes)
  const busy = Array.from({ length: 100 }, () => pick(routes))
  while (hit.length < 512) {
    const route = pick(busy)
    const url = toUrl(toPath(route))
    hit.push({ url, bytes: Buffer.from(url), method: pick(route.methods), pattern: route.pattern })
  }
  while (miss.length < 512) {
    const route = pick(busy)
    let path = toPath(route)
    if (miss.length % 2) path += `/${value()}`
    else {
      const statics = route.pattern.split('/').flatMap((text, index) => (/^\w/.test(text) ? index : []))
      const segments = path.split('/')
      segments[statics.length ? pick(statics) : 1] = `${value()}-`
      // Where a param takes it all the same, one segment more makes it a miss.
      path = segments.join('/')
      if (fits(path)) path += `/${value()}`
    }
    if (fits(path)) continue
    const url = toUrl(path)
    miss.push({ url, bytes: Buffer.from(url), method: pick(route.methods), pattern: undefined })
  }
  return { hit, miss }
}

// Tries all routes of the path's length, for the requests above only.
function toNaive(routes) {
  const expressions = new Map()
  for (const { pattern } of routes) {
    const length = pattern.includes('*') ? 0 : pattern.split('/').length
    const source = pattern.replace(/:\w+/g, '[^/]+').replace(/\*\w+/g, '.+')
    if (!expressions.has(length)) expressions.set(length, [])
    expressions.get(length).push(new RegExp(`^${source}$`))
  }
  return (path) =>
    [0, path.split('/').length].some((length) => expressions.get(length)?.some((expression) => expression.test(path)))
}

function countWrong({ look }, { hit, miss }) {
  let wrong = 0
  for (const { url, method, pattern } of [...hit, ...miss]) {
    const start = url.indexOf('/', 8)
    const end = url.includes('?') ? url.indexOf('?') : url.length
    let found
    try {
      found = look(url, method, start, end)
    } catch {
      wrong++
      continue
    }
    const expected = pattern && expectedParams(pattern, url.slice(start, end))
    const names = Object.keys(expected ?? {})
    if (
      (found?.pattern ?? undefined) !== pattern ||
      names.some((name, index) => {
        const value = found.params[name] ?? (index === names.length - 1 ? found.params['*'] : undefined)
        return (Array.isArray(value) ? value.join('/') : value) !== expected[name]
      })
    )
      wrong++
  }
  return wrong
}

function expectedParams(pattern, path) {
  const source = pattern.replace(/:(\w+)/g, '(?<$1>[^/]+)').replace(/\*(\w+)/g, '(?<$1>.+)')
  return new RegExp(`^${source}$`).exec(path).groups
}

function compareRank(one, other) {
  const ranks = (pattern) => pattern.split('/').map((text) => (text[0] === '*' ? 2 : text[0] === ':' ? 1 : 0))
  const [left, right] = [ranks(one), ranks(other)]
  for (let index = 0; index < Math.min(left.length, right.length); index++)
    if (left[index] !== right[index]) return left[index] - right[index]
  return left.length - right.length
}
