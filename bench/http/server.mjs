// One server in a process of its own, on Node.js or Bun: http/server.mjs <contender> <port>
import { contenders } from './contenders.mjs'

const [name, port] = process.argv.slice(2)
await contenders[name]({ hostname: '127.0.0.1', port: Number(port) })
