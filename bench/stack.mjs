// node stack.mjs [--rounds=60]
// CPU per request of seven middlewares in byway, Fastify and Hono. All servers are of `node:http` and in one process, and take
// turns. Their connections are in memory, because over a socket the kernel's write takes most of the time.
import { Duplex } from 'node:stream'
import { contenders } from './http/contenders.mjs'
import { median, printMachine, versionOf } from './measure.mjs'

const rounds = Number(process.argv.find((argument) => argument.startsWith('--rounds='))?.slice(9) ?? 60)
const only = process.env.BENCH_ONLY?.split(',')
const names = ['byway', ...(process.env.BYWAY_BEFORE ? ['byway before'] : []), 'Fastify', 'Hono', 'bare']
const batch = 1_000

/** The connection of one client, which sends its next request when the response is complete. */
class Connection extends Duplex {
  remoteAddress = '127.0.0.1'
  remoteFamily = 'IPv4'
  #end
  #received

  constructor() {
    super({ decodeStrings: false })
  }

  _read() {}

  _write(chunk, _encoding, done) {
    this.#receive(chunk)
    done()
  }

  _writev(chunks, done) {
    for (const { chunk } of chunks) this.#receive(chunk)
    done()
  }

  // Every body is an object in JSON, in the last chunk that is not empty.
  #receive(chunk) {
    if (this.#received) this.#received.push(chunk)
    const { length } = chunk
    if (length && (chunk[length - 1] === '}' || chunk[length - 1] === 125)) this.#end()
  }

  send(bytes) {
    return new Promise((resolve) => {
      this.#end = resolve
      this.push(bytes)
    })
  }

  /** Resolves to the head and the body of a response. */
  async inspect(bytes) {
    this.#received = []
    await this.send(bytes)
    const text = this.#received.join('')
    this.#received = undefined
    const [head, body] = text.split('\r\n\r\n')
    return { head: head.toLowerCase(), body }
  }
}

const toRequest = (path) =>
  Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: shop.example\r\nOrigin: https://app.example\r\nCookie: theme=dark; visits=41\r\n\r\n`,
  )
const stack = toRequest('/stack/7')
// `bare` is one function without any middleware, and shows what Node.js itself takes.
const params = toRequest('/users/7/posts/dark')
const sent = ['x-request-id', 'vary', 'access-control-allow-origin', 'ratelimit', 'etag']

printMachine()
console.log(['fastify', 'hono', '@hono/node-server'].map((name) => `${name} ${versionOf(name)}`).join(', '))
const all = []
for (const name of names) {
  if (only && !only.includes(name)) continue
  const server = await contenders[name]({ hostname: '127.0.0.1', port: 0 })
  const connection = new Connection()
  server.emit('connection', connection)
  const request = name === 'bare' ? params : stack
  const { head, body } = await connection.inspect(request)
  const lacks = sent.filter((header) => !head.includes(header))
  if (name !== 'bare' && (lacks.length || body !== '{"id":"7","theme":"dark"}'))
    throw new Error(`${name} lacks ${lacks}: ${head} ${body}`)
  all.push({ name, connection, request, costs: [] })
}
for (let round = -rounds / 4; round < rounds; round++)
  for (let turn = 0; turn < all.length; turn++) {
    const { connection, request, costs } = all[(turn + Math.ceil(rounds + round)) % all.length]
    const before = process.cpuUsage()
    for (let count = 0; count < batch; count++) await connection.send(request)
    const { user, system } = process.cpuUsage(before)
    if (round >= 0) costs.push((user + system) / batch)
  }
const first = median(all[0].costs)
console.log('\n| | CPU µs a request | byway’s CPU over it |\n| --- | ---: | ---: |')
for (const { name, costs } of all)
  console.log(`| ${name} | ${median(costs).toFixed(1)} | ${(first / median(costs)).toFixed(2)} |`)
process.exit()
