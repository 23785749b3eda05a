import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'byway-items-'))
})
afterEach(() => rm(directory, { recursive: true, force: true }))

/** Starts the process that `npm start` runs, and resolves when it prints its URL or exits. */
async function start(port: string): Promise<{ url: string | undefined; output: string; stop(): Promise<number> }> {
  const child = spawn(process.execPath, ['--import', 'tsx', fileURLToPath(new URL('main.ts', import.meta.url))], {
    env: { ...process.env, PORT: port, ITEMS_DATA: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = once(child, 'close') as Promise<[code: number]>
  let output = ''
  const url = await new Promise<string | undefined>((resolve) => {
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text
        const found = /http:\S+/.exec(output)
        if (found) resolve(found[0])
      })
    void ended.then(() => resolve(undefined))
  })
  return {
    url,
    output,
    async stop() {
      child.kill('SIGTERM')
      return (await ended)[0]
    },
  }
}

describe('npm start', () => {
  it('keeps added items after a restart', async () => {
    const first = await start('0')
    const added = await fetch(`${first.url}/items`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{ "name": "Lasting Lilac", "hex": "#c8a2c8" }',
    })
    expect(added.status).toBe(201)
    expect(await first.stop()).toBe(0)

    const second = await start('0')
    const found = await fetch(second.url + added.headers.get('location')!)
    expect(await found.json()).toMatchObject({ name: 'Lasting Lilac', hex: '#c8a2c8' })
    expect(await second.stop()).toBe(0)
  })

  it('exits with 1 and a message if the port is in use', async () => {
    const other = createServer().listen(0)
    await once(other, 'listening')
    const { port } = other.address() as { port: number }
    const { url, output, stop } = await start(String(port))
    expect(url).toBe(undefined)
    expect(output).toContain(`port ${port} is in use`)
    expect(await stop()).toBe(1)
    other.close()
  })

  it('exits with 1 and a message if its file is invalid', async () => {
    await writeFile(join(directory, 'items.json'), 'not JSON')
    const { output, stop } = await start('0')
    expect(output).toContain('items.json cannot be parsed and was not changed')
    expect(await stop()).toBe(1)
  })
})
