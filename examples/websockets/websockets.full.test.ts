import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startExample, type StartedExample } from '../../test/start-example.js'

const folder = fileURLToPath(new URL('.', import.meta.url))
const isInstalled = existsSync(join(folder, 'node_modules/crossws'))
const suite = isInstalled || process.env['CI'] ? describe : describe.skip

// The WebSocket of Node.js 22 and newer cannot set headers.
interface Socket {
  on(
    event: 'open' | 'error' | 'message' | 'close' | 'unexpected-response',
    listener: (...values: any[]) => void,
  ): Socket
  send(text: string): void
  close(): void
}
type SocketConstructor = new (url: string, protocols: string[], options: { headers: Record<string, string> }) => Socket

let server: StartedExample
let url: string
let Socket: SocketConstructor

const login = async (name: string): Promise<string> => {
  const response = await post('/login', { name })
  expect(response.status).toBe(204)
  return response.headers.get('set-cookie')!.split(';')[0]!
}

const post = (path: string, body: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })

/** An open socket with the messages that it receives, or the status of the rejected upgrade. */
async function open(room: string, headers: Record<string, string>) {
  const socket = new Socket(`${url.replace('http', 'ws')}/rooms/${room}/socket`, [], { headers })
  const received: unknown[] = []
  const closed = new Promise<number>((resolve) => socket.on('close', resolve))
  socket.on('message', (data) => received.push(JSON.parse(String(data))))
  const refused = await new Promise<number | undefined>((resolve, reject) => {
    socket.on('open', () => resolve(undefined))
    socket.on('unexpected-response', (_request, response) => {
      response.resume()
      resolve(response.statusCode)
    })
    socket.on('error', reject)
  })
  return { socket, received, closed, refused }
}

suite(`examples/websockets${isInstalled ? '' : ' (run npm ci --prefix examples/websockets --ignore-scripts)'}`, () => {
  beforeAll(async () => {
    const path = createRequire(join(folder, 'main.ts')).resolve('crossws/websocket')
    Socket = ((await import(pathToFileURL(path).href)) as { default: SocketConstructor }).default
    server = await startExample(folder, { SECRET: 's'.repeat(32) })
    ;({ url } = server)
  })
  afterAll(() => server?.child.kill('SIGKILL'))

  it('compiles', async () => {
    await promisify(execFile)(process.execPath, ['node_modules/typescript/bin/tsc', '--noEmit'], { cwd: folder })
  })

  it('sends a message to every client in its room, and to no other room', async () => {
    const [ada, eve] = await Promise.all([login('Ada'), login('Eve')])
    const sockets = await Promise.all([
      open('sea', { cookie: ada }),
      open('sea', { cookie: eve, origin: url }),
      open('hill', { cookie: eve }),
    ])
    const [first, second, other] = sockets
    expect(sockets.map(({ refused }) => refused)).toEqual([undefined, undefined, undefined])
    first.socket.send(JSON.stringify({ text: 'Hello.', user: 'Eve' }))
    // The user comes from the cookie, not from the message.
    await expect.poll(() => second.received).toEqual([{ user: 'Ada', text: 'Hello.' }])
    expect((await post('/rooms/sea/messages', { text: 'Over HTTP.' }, { cookie: eve })).status).toBe(204)
    const both = [
      { user: 'Ada', text: 'Hello.' },
      { user: 'Eve', text: 'Over HTTP.' },
    ]
    await expect.poll(() => first.received).toEqual(both)
    await expect.poll(() => second.received).toEqual(both)
    expect(await (await fetch(`${url}/rooms/sea/messages`, { headers: { cookie: ada } })).json()).toEqual(both)
    other.socket.send(JSON.stringify({ text: 'Alone.' }))
    await expect.poll(() => other.received).toEqual([{ user: 'Eve', text: 'Alone.' }])
    for (const { socket, closed } of sockets) {
      socket.close()
      await closed
    }
  })

  it.each([
    ['no cookie', 'sea', async () => ({}), 401],
    ['a cookie with another signature', 'sea', async () => ({ cookie: `user=Ada.${'A'.repeat(43)}` }), 401],
    [
      'a page of another origin',
      'sea',
      async () => ({ cookie: await login('Ada'), origin: 'https://evil.example' }),
      403,
    ],
    ['a sandboxed page', 'sea', async () => ({ cookie: await login('Ada'), origin: 'null' }), 403],
    ['a room with another name', 'SEA', async () => ({ cookie: await login('Ada') }), 404],
  ])('rejects the upgrade for %s with the status of the app', async (_name, room, headers, status) => {
    expect((await open(room, await headers())).refused).toBe(status)
  })

  it.each(['text', '{}', '{"text":""}', 'null', JSON.stringify({ text: 'x'.repeat(1_001) })])(
    'sends an error to the sender of the invalid message %s, and no message to others',
    async (text) => {
      const [sender, other] = await Promise.all([
        open('errors', { cookie: await login('Ada') }),
        open('errors', { cookie: await login('Eve') }),
      ])
      sender.socket.send(text)
      await expect.poll(() => sender.received).toEqual([{ error: expect.stringContaining('Send') }])
      sender.socket.send('{"text":"next"}')
      await expect.poll(() => other.received).toEqual([{ user: 'Ada', text: 'next' }])
      for (const { socket } of [sender, other]) socket.close()
    },
  )

  it('closes a socket with 1009 after a message that is too large', async () => {
    const { socket, closed } = await open('large', { cookie: await login('Ada') })
    socket.send('x'.repeat(16_385))
    expect(await closed).toBe(1009)
  })

  it('closes the sockets with 1001 and exits with 0 after SIGTERM', async () => {
    const { closed } = await open('sea', { cookie: await login('Ada') })
    const code = server.stop()
    expect(await closed).toBe(1001)
    expect(await code).toBe(0)
  })
})
