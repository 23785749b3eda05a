// node dispatch.mjs [job …] [--rounds=60]
// All contenders take turns in one process, in many short rounds; the figures are medians of the rounds. Every turn makes
// the request too, because a body can be read once only: what that costs alone is in the last row, and in all the others.
import { apps, jobs } from './apps.mjs'
import { median, printMachine, versionOf } from './measure.mjs'

const asked = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const rounds = Number(process.argv.find((argument) => argument.startsWith('--rounds='))?.slice(9) ?? 60)
const only = process.env.BENCH_ONLY?.split(',')
const batch = 250

printMachine()
console.log(
  ['hono', '@hono/node-server', '@hono/zod-validator', 'elysia', 'h3', 'itty-router', '@orpc/openapi', 'zod']
    .map((name) => `${name} ${versionOf(name)}`)
    .join(', '),
)

for (const [job, { request }] of Object.entries(jobs)) {
  if (asked.length && !asked.some((part) => job.includes(part))) continue
  const notes = []
  const contenders = []
  for (const [name, { fetch, fetchFor, lacks }] of Object.entries(apps)) {
    if (only && !only.includes(name)) continue
    if (lacks?.[job]) notes.push(`${name} is not here: ${lacks[job]}.`)
    else contenders.push({ name, run: toRun(request, fetchFor?.[job] ?? fetch), unread: [], read: [] })
  }
  await compareAnswers(job, request, contenders)
  contenders.push({ name: '*the Request alone*', run: toRunAlone(request), unread: [], read: [] })
  const warm = Math.ceil(rounds / 4)
  for (let round = 0; round < warm + rounds; round++)
    for (const reading of ['unread', 'read'])
      for (let turn = 0; turn < contenders.length; turn++) {
        const one = contenders[(turn + round) % contenders.length]
        const begin = process.hrtime.bigint()
        await one.run(batch, reading === 'read')
        const time = Number(process.hrtime.bigint() - begin) / batch
        if (round >= warm) one[reading].push(time)
      }
  const base = { unread: median(contenders[0].unread), read: median(contenders[0].read) }
  console.log(`\n${job}\n`)
  console.log('| | body unread, µs | ratio | body read, µs | ratio |\n| --- | ---: | ---: | ---: | ---: |')
  for (const one of contenders) {
    const cells = ['unread', 'read'].flatMap((reading) => {
      const time = median(one[reading])
      return [(time / 1000).toFixed(2), (time / base[reading]).toFixed(2)]
    })
    console.log(`| ${one.name} | ${cells.join(' | ')} |`)
  }
  for (const note of notes) console.log(`\n${note}`)
}

// A loop of its own for each, so that V8 does not learn of one from another.
function toRun(request, fetch) {
  return new Function(
    'request',
    'fetch',
    `return async (count, read) => {
      let sum = 0
      for (let turn = 0; turn < count; turn++) {
        const response = await fetch(request(turn))
        sum += response.status
        if (read) sum += (await response.text()).length
      }
      return sum
    }`,
  )(request, fetch)
}

function toRunAlone(request) {
  return async (count) => {
    let sum = 0
    for (let turn = 0; turn < count; turn++) sum += (await request(turn)).url.length
    return sum
  }
}

async function compareAnswers(job, request, contenders) {
  const answers = []
  for (const { name } of contenders) {
    const { fetch, fetchFor } = apps[name]
    const response = await (fetchFor?.[job] ?? fetch)(request(7))
    const answer = {
      status: response.status,
      type: response.headers.get('content-type')?.split(';')[0],
      // In any order, and either way to write them.
      cookies: response.headers.getSetCookie().map((line) => line.toLowerCase().split('; ').toSorted().join('; ')),
      body: await response.text(),
    }
    answers.push(JSON.stringify(job === 'not found' ? answer.status : answer))
    if (answers.at(-1) !== answers[0]) throw new Error(`${job}: ${name} answers ${answers.at(-1)}, not ${answers[0]}`)
  }
}
