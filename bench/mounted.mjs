// node mounted.mjs [--rounds=20]
// A `route.ts` that byway/next mounts, against the same handler as a route of byway: CPU in process, the two taking turns.
import { loadByway } from './byway.mjs'
import { median, printMachine } from './measure.mjs'

const rounds = Number(process.argv.find((argument) => argument.startsWith('--rounds='))?.slice(9) ?? 20)
const batch = 4_000
const { route, router, load } = await loadByway(process.env.BYWAY)
const { fromNext } = await load('byway/next')

const GET = async (_request, { params }) => Response.json({ id: (await params).id })
const apps = {
  'a route of byway': router({ it: route('/items/[id]').get(GET) }).fetch,
  'a mounted route.ts': router({ it: fromNext('/items/[id]', { GET }) }).fetch,
}
const costs = Object.fromEntries(Object.keys(apps).map((name) => [name, []]))

printMachine()
for (let round = -3; round < rounds; round++)
  for (const [name, fetch] of Object.entries(apps)) {
    const before = process.cpuUsage()
    for (let turn = 0; turn < batch; turn++) await fetch(new Request(`http://localhost/items/${turn}`))
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) costs[name].push((user + system) / batch)
  }
const [first] = Object.values(costs)
console.log('\n| | CPU µs | over a route |\n| --- | ---: | ---: |')
for (const [name, all] of Object.entries(costs))
  console.log(`| ${name} | ${median(all).toFixed(2)} | ${(median(all) / median(first)).toFixed(2)} |`)
