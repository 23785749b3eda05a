// A queue in memory, whose jobs end with the process. To keep them, use BullMQ or pg-boss: the routes stay the same.

export interface Job {
  readonly id: number
  readonly to: string
  tries: number
  state: 'waiting' | 'done' | 'failed'
}

/** Runs jobs one after the other, each up to three times. */
export function createQueue(work: (job: Job, signal: AbortSignal) => Promise<void>) {
  const jobs = new Map<number, Job>()
  const controller = new AbortController()
  let last = Promise.resolve()
  let count = 0
  const run = async (job: Job): Promise<void> => {
    while (job.state === 'waiting' && !controller.signal.aborted) {
      job.tries++
      try {
        await work(job, controller.signal)
        job.state = 'done'
      } catch {
        if (job.tries === 3) job.state = 'failed'
        await new Promise((resolve) => setTimeout(resolve, 2 ** job.tries))
      }
    }
  }
  return {
    jobs,
    add(to: string): Job {
      const job: Job = { id: ++count, to, tries: 0, state: 'waiting' }
      jobs.set(job.id, job)
      last = last.then(() => run(job))
      return job
    },
    /** Resolves when the job in progress has ended. Starts no other one. */
    close(): Promise<void> {
      controller.abort()
      return last
    },
    drained: () => last,
  }
}
