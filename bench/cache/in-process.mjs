import { fork } from 'node:child_process'
import { once } from 'node:events'
import { median } from '../measure.mjs'
import { jobs } from './jobs.mjs'

const only = process.env.BENCH_ONLY?.split(',')
const batch = 200

/** The contenders' names, as BENCH_ONLY leaves them. */
export async function toNames() {
  const { apps } = await import('./apps.mjs')
  return Object.keys(apps).filter((name) => !only || only.includes(name))
}

/** A contender's process, and what it says first. */
export async function start(name, ...rest) {
  const child = fork(new URL('contender.mjs', import.meta.url), [name, ...rest], {
    env: { ...process.env, NODE_ENV: 'production' },
    detached: true,
  })
  child.once('exit', (code) => {
    if (code) throw new Error(`${name} has ended with ${code}`)
  })
  const [first] = await once(child, 'message')
  return { child, first }
}

/**
 * Each contender has a process of its own, and they take turns, in many short rounds: on Node 20 the AsyncLocalStorage that
 * one uses makes every promise of the process dearer. What counts is CPU time, of all threads.
 */
export async function measureInProcess(rounds) {
  const contenders = []
  for (const name of await toNames()) {
    const { child, first } = await start(name)
    const ask = async (message) => {
      child.send(message)
      return (await once(child, 'message'))[0]
    }
    contenders.push({ name, child, ask, lacks: first.lacks })
  }
  const warm = Math.ceil(rounds / 4)
  for (const job of Object.keys(jobs)) {
    const notes = contenders.filter(({ lacks }) => lacks[job]).map(({ name, lacks }) => `${name}: ${lacks[job]}.`)
    const entrants = contenders
      .filter(({ lacks }) => !lacks[job])
      .map((one) => ({ ...one, task: 'run', unread: [], read: [] }))
    await compareAnswers(job, entrants)
    entrants.push({ ...entrants[0], name: '*the Request alone*', task: 'alone', unread: [], read: [] })
    const readings = jobs[job].isConditional ? ['unread'] : ['unread', 'read']
    for (let round = 0; round < warm + rounds; round++)
      for (const reading of readings)
        for (let turn = 0; turn < entrants.length; turn++) {
          const one = entrants[(turn + round) % entrants.length]
          const time = await one.ask({ task: one.task, job, count: batch, read: reading === 'read' })
          if (round >= warm) one[reading].push(time)
        }
    console.log(`\nin process, ${job}\n`)
    console.log(`| | ${readings.map((reading) => `body ${reading}, CPU µs | ratio`).join(' | ')} |`)
    console.log(`| --- | ${readings.map(() => '---: | ---:').join(' | ')} |`)
    for (const one of entrants) {
      const cells = readings.flatMap((reading) => {
        const time = median(one[reading])
        return [time.toFixed(2), (time / median(entrants[0][reading])).toFixed(2)]
      })
      console.log(`| ${one.name} | ${cells.join(' | ')} |`)
    }
    for (const note of notes) console.log(`\n${note}`)
  }
  for (const { child } of contenders) child.disconnect()
}

async function compareAnswers(job, entrants) {
  const answers = []
  for (const { name, ask } of entrants) {
    const { status, type, body, headers } = await ask({ task: 'answer', job })
    if (process.env.BENCH_SHOW) console.log(job, name, status, headers)
    answers.push(JSON.stringify({ status, type, body }))
    if (answers.at(-1) !== answers[0]) throw new Error(`${job}: ${name} answers ${answers.at(-1)}, not ${answers[0]}`)
  }
}
