import { describe, expect, it } from 'vitest'
import { byway } from './run.js'

describe('byway doctor', () => {
  it.each(['app.ts', 'documented.ts'])('finds nothing in an app without mistakes: %s', async (file) => {
    expect(await byway('doctor', file)).toEqual({ code: 0, stdout: '', stderr: 'byway: found no mistakes\n' })
  })

  it('passes for a correct app: a POST without a body, a 500 of a missing database, a timeout', async () => {
    const { code, stdout, stderr } = await byway('doctor', 'correct.ts', '--json')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const found = (JSON.parse(stdout) as { level: string; method: string; pattern: string; message: string }[]).map(
      ({ level, method, pattern, message }) => `${level}: ${method} ${pattern} ${message}`,
    )
    expect(found).toEqual([
      expect.stringMatching(/^note: POST \/logout declares no body/),
      expect.stringMatching(/^note: GET \/rows\/\[id\] responds with 500 for \/rows\/sample/),
    ])
    expect((await byway('doctor', 'correct.ts')).stderr).toBe('byway: found no mistakes\n')
  }, 60_000)

  it('finds uncached responses, undeclared statuses and unreachable routes', async () => {
    const { code, stdout, stderr } = await byway('doctor', 'doubtful.ts', '--json')
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
    const found = (JSON.parse(stdout) as { level: string; method: string; pattern: string; message: string }[]).map(
      ({ level, method, pattern, message }) => `${level}: ${method} ${pattern} ${message}`,
    )
    expect(found).toEqual([
      expect.stringMatching(/^note: POST \/unchecked declares no body; if the handler reads one, declare body/),
      expect.stringMatching(/^mistake: GET \/personal is not cached: for \/personal it reads header cookie/),
      expect.stringMatching(
        /^mistake: GET \/old\/\[slug\] is unreachable, because '\/old\/\[slug\]' is rewritten to '\/new\/\[slug\]' first/,
      ),
      expect.stringMatching(
        /^mistake: GET \/undeclared can respond with 404 according to its types, but does not declare that/,
      ),
    ])
  })

  it('finds schemas whose values cannot be sent, in hidden operations and QUERY too', async () => {
    const { code, stdout } = await byway('doctor', 'unsendable.ts', '--json')
    expect(code).toBe(1)
    expect(
      (JSON.parse(stdout) as { method: string; message: string }[]).map(({ method, message }) => [method, message]),
    ).toEqual([
      ['POST', expect.stringContaining('POST /date: the body at /at must be of type Date')],
      ['GET', expect.stringContaining('GET /big: the response at /n has values of type bigint')],
      ['QUERY', expect.stringContaining('QUERY /number: the query at /n must be of type number')],
    ])
  })

  it('runs no handler with --no-run', async () => {
    const { stdout } = await byway('doctor', 'doubtful.ts', '--no-run')
    expect(stdout).toContain('/unchecked')
    expect(stdout).not.toContain('/personal')
  })
})
