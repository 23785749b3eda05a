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

for (const [job, { request, streams = false }] of Object.entries(jobs)) {
  if (asked.length && !asked.some((part) => job.includes(part))) continue
  const notes = []
  const contenders = []
  for (const [name, { fetch, fetchFor, lacks }] of Object.entries(apps)) {
    if (only && !only.includes(name)) continue
    if (lacks?.[job]) notes.push(`${name} is not here: ${lacks[job]}.`)
    else contenders.push({ name, run: toRun(request, fetchFor?.[job] ?? fetch, streams), unread: [], read: [] })
  }
  await compareAnswers(job, request, streams, contenders)
  contenders.push({ name: '*the Request alone*', run: toRunAlone(request), unread: [], read: [] })
  const readings = streams ? ['read'] : ['unread', 'read']
  const warm = Math.ceil(rounds / 4)
  for (let round = 0; round < warm + rounds; round++)
    for (const reading of readings)
      for (let turn = 0; turn < contenders.length; turn++) {
        const one = contenders[(turn + round) % contenders.length]
        const begin = process.hrtime.bigint()
        await one.run(batch, reading === 'read')
        const time = Number(process.hrtime.bigint() - begin) / batch
        if (round >= warm) one[reading].push(time)
      }
  console.log(`\n${job}\n`)
  console.log(`| | ${readings.map((reading) => `body ${reading}, µs | ratio`).join(' | ')} |`)
  console.log(`| --- | ${readings.map(() => '---: | ---:').join(' | ')} |`)
  for (const one of contenders) {
    const cells = readings.flatMap((reading) => {
      const time = median(one[reading])
      return [(time / 1000).toFixed(2), (time / median(contenders[0][reading])).toFixed(2)]
    })
    console.log(`| ${one.name} | ${cells.join(' | ')} |`)
  }
  for (const note of notes) console.log(`\n${note}`)
}

// A loop of its own for each, so that V8 does not learn of one from another.
function toRun(request, fetch, streams) {
  return new Function(
    'request',
    'fetch',
    'readEvents',
    `return async (count, read) => {
      let sum = 0
      for (let turn = 0; turn < count; turn++) {
        const response = await fetch(request(turn))
        sum += response.status
        if (read) sum += (await ${streams ? 'readEvents(response)' : 'response.text()'}).length
      }
      return sum
    }`,
  )(request, fetch, toReadEvents())
}

// As they come, to the end. Elysia's stream holds texts, which a Response of Node does not read by itself: they are made
// bytes here, as a host would.
function toReadEvents() {
  return new Function(
    'encoder',
    'decoder',
    `return async (response) => {
      let text = ''
      const reader = response.body.getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return text
        text += decoder.decode(typeof value === 'string' ? encoder.encode(value) : value, { stream: true })
      }
    }`,
  )(new TextEncoder(), new TextDecoder())
}

// Without comments, and with the names that are so by default.
function toEvents(text) {
  return text.split('\n\n').flatMap((block) => {
    const fields = Object.fromEntries(
      block.split('\n').flatMap((line) => {
        const at = line.indexOf(': ')
        return at > 0 ? [[line.slice(0, at), line.slice(at + 2)]] : []
      }),
    )
    return fields.data ? [{ id: fields.id, event: fields.event ?? 'message', data: JSON.parse(fields.data) }] : []
  })
}

function toRunAlone(request) {
  return async (count) => {
    let sum = 0
    for (let turn = 0; turn < count; turn++) sum += (await request(turn)).url.length
    return sum
  }
}

async function compareAnswers(job, request, streams, contenders) {
  const answers = []
  for (const { name } of contenders) {
    const { fetch, fetchFor } = apps[name]
    const response = await (fetchFor?.[job] ?? fetch)(request(7))
    const answer = {
      status: response.status,
      // Bun adds the type of a string when it sends the response.
      type: response.headers.get('content-type')?.split(';')[0] ?? (process.versions.bun && 'text/plain'),
      // In any order, and either way to write them.
      cookies: response.headers.getSetCookie().map((line) => line.toLowerCase().split('; ').toSorted().join('; ')),
      body: streams ? toEvents(await toReadEvents()(response)) : await response.text(),
    }
    answers.push(JSON.stringify(job === 'not found' ? answer.status : answer))
    if (answers.at(-1) !== answers[0]) throw new Error(`${job}: ${name} answers ${answers.at(-1)}, not ${answers[0]}`)
  }
}
