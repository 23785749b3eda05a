import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import type { ChildProcess } from 'node:child_process'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { fixtures, start } from './run.js'

/** Collects the command's output to stdout. */
function listen(child: ChildProcess): { text: string } {
  const printed = { text: '' }
  child.stdout!.on('data', (text: string) => (printed.text += text))
  child.stderr!.resume()
  onTestFinished(() => void child.kill('SIGKILL'))
  return printed
}

const urlIn = async (printed: { text: string }, from = 0): Promise<string> =>
  vi.waitUntil(() => / at (http:\S+)\/\n/.exec(printed.text.slice(from))?.[1], { timeout: 15_000 })

describe('byway serve', () => {
  it('serves a TypeScript app, prints its URL, and exits with 0 on SIGTERM', async () => {
    const child = start('serve', 'app.ts', '--port', '0', '--hostname', '127.0.0.1')
    const printed = listen(child)
    const url = await urlIn(printed)
    expect(printed.text).toMatch(/^app\.ts: 3 operations at http:\/\/127\.0\.0\.1:\d+\/api\/\n$/)
    expect(await (await fetch(`${url}/items?page=2`)).json()).toEqual({ page: 2, color: 'red' })
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it('prints each request with --log, and none without a terminal', async () => {
    for (const [args, lines] of [
      [['--log'], ['GET /api/items?page=2 200', 'POST /api/items 415', 'GET /nowhere 404']],
      [[], []],
    ] as const) {
      const child = start('serve', 'app.ts', '--port', '0', '--hostname', '127.0.0.1', ...args)
      const printed = listen(child)
      let stderr = ''
      child.stderr!.on('data', (text: string) => (stderr += text))
      const url = await urlIn(printed)
      await (await fetch(`${url}/items?page=2`)).text()
      await (await fetch(`${url}/items`, { method: 'POST', body: 'text' })).text()
      await (await fetch(url.replace('/api', '/nowhere'))).text()
      child.kill('SIGTERM')
      await once(child, 'exit')
      expect(
        stderr
          .trim()
          .split('\n')
          .filter(Boolean)
          .map((line) => line.replace(/ \d+ ms$/, '')),
      ).toEqual(lines)
    }
  })

  it('exits with 1 and prints a message if the port is in use', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await once(taken, 'listening')
    onTestFinished(() => void taken.close())
    const { port } = taken.address() as AddressInfo
    const child = start('serve', 'app.ts', '--port', String(port), '--hostname', '127.0.0.1')
    let stderr = ''
    child.stderr!.on('data', (text: string) => (stderr += text))
    expect(await once(child, 'close')).toEqual([1, null])
    expect(stderr).toBe(`byway: port ${port} is in use; choose another with --port, or --port 0 for any free port\n`)
  })

  it('restarts when a file changes, also after the app failed to load', async () => {
    // Next to the fixtures, so that imports of packages resolve.
    const folder = await mkdtemp(join(fixtures, 'watched-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'app.ts')
    await cp(join(fixtures, 'app.ts'), file)
    const source = await readFile(file, 'utf8')
    const child = start('serve', file, '--watch', '--port', '0', '--hostname', '127.0.0.1')
    const printed = listen(child)
    expect(await (await fetch(`${await urlIn(printed)}/items`)).json()).toEqual({ page: 1, color: 'red' })

    await writeFile(file, `${source}\nthrow new Error('a mistake')\n`)
    await vi.waitUntil(() => child.exitCode !== null || fetchFails(printed), { timeout: 15_000 })
    expect(child.exitCode).toBe(null)

    const before = printed.text.length
    await writeFile(file, source.replace("'red'", "'blue'"))
    const url = await urlIn(printed, before)
    expect(await (await fetch(`${url}/items`)).json()).toEqual({ page: 1, color: 'blue' })
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  })

  it('restarts for each change of a replaced file and of a file in a new folder', async () => {
    const folder = await mkdtemp(join(fixtures, 'watched-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'app.ts')
    await cp(join(fixtures, 'app.ts'), file)
    const source = await readFile(file, 'utf8')
    const child = start('serve', file, '--watch', '--port', '0', '--hostname', '127.0.0.1')
    const printed = listen(child)
    await urlIn(printed)
    const colorAfter = async (change: () => Promise<void>): Promise<unknown> => {
      const before = printed.text.length
      await change()
      const body = (await (await fetch(`${await urlIn(printed, before)}/items`)).json()) as { color: string }
      return body.color
    }
    const replace = async (text: string): Promise<void> => {
      await writeFile(`${file}~`, text)
      await rename(`${file}~`, file)
    }

    expect(await colorAfter(() => replace(source.replace("'red'", "'blue'")))).toBe('blue')
    expect(await colorAfter(() => replace(source.replace("'red'", "'green'")))).toBe('green')
    expect(await colorAfter(() => writeFile(file, source.replace("'red'", "'plum'")))).toBe('plum')

    const inner = join(folder, 'paint', 'color.ts')
    await mkdir(join(folder, 'paint'))
    await writeFile(inner, "export const color = 'teal'\n")
    const imported = `import { color } from './paint/color.js'\n${source.replace("'red'", 'color')}`
    expect(await colorAfter(() => writeFile(file, imported))).toBe('teal')
    expect(await colorAfter(() => writeFile(inner, "export const color = 'gold'\n"))).toBe('gold')
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  })
})

describe('byway serve --watch', () => {
  it('restarts for files outside the folder of the app, for environment files, and not for data', async () => {
    const folder = await mkdtemp(join(fixtures, 'watched-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const write = (name: string, text: string) => writeFile(join(folder, name), text)
    await mkdir(join(folder, 'app'))
    await mkdir(join(folder, 'shared/build'), { recursive: true })
    await write('words.env', 'WORD=env')
    await write('shared/one.ts', "export { two } from './build/two.js'\nexport const one = 1\n")
    await write('shared/build/two.ts', 'export const two = 2\n')
    await write('app/lazy.ts', 'export const lazy = 3\n')
    await write('app/page.html', '<p>')
    await write(
      'app/app.ts',
      `import { route, router } from 'byway'
import { one, two } from '../shared/one.js'
const name = './lazy.js'
export default router({ all: route('/').get(async () => ({ one, two, word: process.env['WORD'], ...(await import(name)) })) })
`,
    )
    const args = ['--watch', '--port', '0', '--hostname', '127.0.0.1', '--env-file', join(folder, 'words.env')]
    const child = start('serve', join(folder, 'app/app.ts'), ...args)
    const printed = listen(child)
    let seen = 0
    const read = async (): Promise<unknown> => {
      const url = await urlIn(printed, seen)
      seen = printed.text.length
      return (await fetch(`${url}/`)).json()
    }
    expect(await read()).toEqual({ one: 1, two: 2, word: 'env', lazy: 3 })
    await write('shared/one.ts', "export { two } from './build/two.js'\nexport const one = 10\n")
    expect(await read()).toMatchObject({ one: 10 })
    await write('shared/build/two.ts', 'export const two = 20\n')
    expect(await read()).toMatchObject({ two: 20 })
    await write('words.env', 'WORD=changed')
    expect(await read()).toMatchObject({ word: 'changed' })
    // Its name is not in the source. The request has loaded it, which is noticed within a second.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    await write('app/lazy.ts', 'export const lazy = 30\n')
    expect(await read()).toMatchObject({ lazy: 30 })
    await write('app/page.html', '<b>')
    expect(await read()).toMatchObject({ lazy: 30 })
    await write('app/data.json', '{}')
    await write('app/unused.ts', '')
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(printed.text.length).toBe(seen)
    child.kill('SIGTERM')
    expect(await once(child, 'exit')).toEqual([0, null])
  }, 40_000)
})

const fetchFails = async (printed: { text: string }): Promise<boolean> => {
  const url = / at (http:\S+)\/\n/.exec(printed.text)![1]!
  return fetch(`${url}/items`).then(
    (response) => response.body!.cancel().then(() => false),
    () => true,
  )
}
