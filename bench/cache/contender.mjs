// One contender in a process of its own. It runs the batches that its parent sends, or serves.
import { apps } from './apps.mjs'
import { jobs, origin } from './jobs.mjs'

const [name, task] = process.argv.slice(2)
// Read before an app replaces it, so it is the same for all.
const { Request } = globalThis
const { fetch, serve, clear, paths = {}, lacks = {} } = await apps[name]()

if (task === 'serve') process.send(await serve())
else {
  let turn = 0
  let etag = ''
  const toRequest = (job, at = turn++) => {
    const { path, isConditional } = jobs[job]
    const url = origin + (paths[job] ?? path(at))
    return isConditional ? new Request(url, { headers: { 'if-none-match': etag } }) : new Request(url)
  }
  // A loop of its own for each, so that V8 does not learn of one job from another.
  const runs = Object.fromEntries(
    Object.keys(jobs).map((job) => [
      job,
      new Function(
        'toRequest',
        'fetch',
        `return async (count, read) => {
          let sum = 0
          for (let turn = 0; turn < count; turn++) {
            const response = await fetch(toRequest(${JSON.stringify(job)}))
            sum += response.status
            if (read) sum += (await response.text()).length
          }
          return sum
        }`,
      )(toRequest, fetch),
    ]),
  )
  const tasks = {
    async answer({ job }) {
      const { path, isConditional } = jobs[job]
      // The first request is a miss, the second one a hit.
      for (const _ of [1, 2]) {
        const response = await fetch(new Request(origin + (paths[job] ?? path(0))))
        await response.text()
        etag = response.headers.get('etag') ?? ''
      }
      const response = await fetch(toRequest(job, 0))
      const body = await response.text()
      const type = isConditional ? undefined : response.headers.get('content-type')?.split(';')[0]
      return { status: response.status, type, body, headers: [...response.headers] }
    },
    async alone({ job, count }) {
      const before = process.cpuUsage()
      let sum = 0
      for (let turn = 0; turn < count; turn++) sum += (await toRequest(job)).url.length
      return since(before) / count
    },
    async run({ job, count, read }) {
      await clear?.()
      const before = process.cpuUsage()
      await runs[job](count, read)
      return since(before) / count
    },
  }
  // All threads of the process: who hashes, collects or compiles in another one pays for it too.
  const since = (before) => {
    const { user, system } = process.cpuUsage(before)
    return user + system
  }
  process.on('message', async (message) => process.send(await tasks[message.task](message)))
  process.send({ lacks })
}
process.once('disconnect', () => process.exit())
