import { middleware, type AnyContext, type Continued, type Middleware } from '../middleware.js'
import type { Problem } from '../problem.js'
import { forbidden } from '../replies/reply.js'
import type { Reply } from '../reply.js'

export interface IpRestrictionOptions {
  /** Addresses and networks (`'10.0.0.0/8'`, `'2001:db8::/32'`) that can send requests. @default every address */
  readonly allow?: readonly string[]
  /** Addresses and networks that cannot, also if `allow` has them. @default [] */
  readonly deny?: readonly string[]
}

/**
 * Responds with a 403 problem to clients whose `context.ip` is not allowed, or that have none. An IPv4 address in IPv6
 * (`::ffff:192.0.2.1`) is treated as the IPv4 address. Behind a proxy, `context.ip` is the proxy unless the host knows it:
 * `serve(app, { trustProxy: 1 })`. No header is read.
 *
 * @throws TypeError if an entry is not an address or a network, or neither list is given.
 * @see https://www.rfc-editor.org/rfc/rfc4632
 * @example
 * const internal = route.use(ipRestriction({ allow: ['10.0.0.0/8', '::1'] }))
 */
export function ipRestriction({
  allow,
  deny = [],
}: IpRestrictionOptions): Middleware<AnyContext, Continued<{}> | Reply<403, Problem<403>>> {
  if (!allow && !deny.length)
    throw new TypeError('ipRestriction() takes { allow } or { deny }: lists of addresses and networks')
  const allowed = allow?.map(parseNetwork)
  const denied = deny.map(parseNetwork)

  return middleware(
    { openapi: { responses: { 403: 'The address of the client is not allowed.' } } },
    function restrict(_request, { ip }: AnyContext, next): Promise<Continued<{}>> | Reply<403, Problem<403>> {
      const address = ip === undefined ? undefined : parseAddress(ip)
      const isIn = (network: Network): boolean => contains(network, address!)
      return address && (!allowed || allowed.some(isIn)) && !denied.some(isIn)
        ? next()
        : forbidden({ detail: 'This address is not allowed.' })
    },
  )
}

// An address as a number. IPv4 and IPv6 have different lengths, so no network contains addresses of the other family.
interface Address {
  readonly bits: 32 | 128
  readonly value: bigint
}
interface Network extends Address {
  /** How many bits are not compared. */
  readonly rest: bigint
}

const contains = ({ bits, value, rest }: Network, address: Address): boolean =>
  bits === address.bits && value >> rest === address.value >> rest

function parseNetwork(text: string): Network {
  const [, given = '', length] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(text) ?? []
  const address = parseAddress(given)
  // `::ffff:10.0.0.0/104` names IPv4 addresses by the length of IPv6.
  const offset = address?.bits === 32 && given.includes(':') ? 96 : 0
  const size = length === undefined ? address?.bits : Number(length) - offset
  if (!address || size === undefined || size < 0 || size > address.bits)
    throw new TypeError(
      `ipRestriction() takes addresses and networks such as '10.0.0.0/8', not ${JSON.stringify(text)}`,
    )
  return { ...address, rest: BigInt(address.bits - size) }
}

/** Returns an address as a number, or `undefined` if the text is not one. A zone (`fe80::1%eth0`) is ignored. */
function parseAddress(text: string): Address | undefined {
  const four = parseFour(text)
  if (four !== undefined) return { bits: 32, value: four }
  const bare = text.replace(/%[\w.-]+$/, '')
  // https://www.rfc-editor.org/rfc/rfc4291#section-2.2: the last 32 bits can be in the notation of IPv4.
  const [, head = '', tail] = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(bare) ?? [undefined, bare]
  const last = tail === undefined ? undefined : parseFour(tail)
  if (tail !== undefined && last === undefined) return undefined
  const whole = last === undefined ? head : `${head}${(last >> 16n).toString(16)}:${(last & 0xffffn).toString(16)}`
  const halves = whole.split('::')
  if (halves.length > 2) return undefined
  const [left, right = []] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - left!.length - right.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  const groups = [...left!, ...Array<string>(halves.length === 2 ? missing : 0).fill('0'), ...right]
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined
  const value = groups.reduce((sum, group) => (sum << 16n) | BigInt(`0x${group}`), 0n)
  return value >> 32n === 0xffffn ? { bits: 32, value: value & 0xffffffffn } : { bits: 128, value }
}

// Without leading zeros, which other parsers read as octal.
function parseFour(text: string): bigint | undefined {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256))
    return undefined
  return parts.reduce((sum, part) => (sum << 8n) | BigInt(part), 0n)
}
