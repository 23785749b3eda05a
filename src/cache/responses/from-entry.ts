import { isKeptByNotModified, toSelection } from '../../headers/conditional.js'
import { parseDate } from '../../headers/date.js'
import { createResponse, type HeaderPairs } from '#response'
import type { Entry } from '../stores/store.js'

/**
 * Makes the Response of an entry for a GET or a HEAD. The request's conditions and its `Range` are applied. HEAD gets the
 * Response of GET, with its body. `extra` are headers of this moment.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-4.3.2
 */
export function fromEntry(entry: Entry, request: Request, extra: HeaderPairs): Response {
  const { status, headers, body } = entry
  // https://www.rfc-editor.org/rfc/rfc9110#section-13.2.1: conditions apply to successes only.
  if (status >= 300 || !isSelective(request.headers)) return send(body, status, headers.concat(extra))
  let bytes: Uint8Array<ArrayBuffer> | undefined
  const toBytes = () => (bytes ??= typeof body === 'string' ? new TextEncoder().encode(body) : body)
  const selection = toSelection(request, toValidators(headers), status === 200 ? () => toBytes().length : undefined)
  if (selection === undefined) return send(body, status, headers.concat(extra))
  if (selection === 304)
    return createResponse(null, 304, headers.filter(([name]) => isKeptByNotModified(name)).concat(extra))
  // These are not stored responses, so they have no age.
  const own = extra.filter(([name]) => name !== 'age')
  if (selection === 412) return toError(412, 'Precondition Failed', own)
  if (selection === 416)
    return toError(416, 'Range Not Satisfiable', [['content-range', `bytes */${toBytes().length}`], ...own])
  const { start, end } = selection
  return send(toBytes().subarray(start, end), 206, [
    ...headers.filter(([name]) => name !== 'content-length' && name !== 'content-range'),
    ...extra,
    ['content-range', `bytes ${start}-${end - 1}/${toBytes().length}`],
    ['content-length', String(end - start)],
  ])
}

// A problem, which an app's own error format replaces.
function toError(status: number, title: string, headers: HeaderPairs): Response {
  const data = { title, status }
  const pairs: HeaderPairs = [
    ['content-type', 'application/problem+json'],
    ['x-content-type-options', 'nosniff'],
    ...headers,
  ]
  return createResponse(JSON.stringify(data), status, pairs, { data, isReply: true })
}

/** Makes a strong entity tag of a body. Returns it immediately if the platform can hash it synchronously and it is small. */
// https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3
export function toEntityTag(body: Entry['body']): string | Promise<string> {
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body
  // Web Crypto hashes in another thread, which takes ten times as long for a small body.
  const node = bytes.length <= 65_536 ? nodeCrypto() : undefined
  return node
    ? toTag(node.createHash('sha256').update(bytes).digest())
    : crypto.subtle.digest('SHA-256', bytes).then((hash) => toTag(new Uint8Array(hash)))
}

// 128 bits in base64url.
const toTag = (hash: Uint8Array): string =>
  `"${btoa(String.fromCharCode(...hash.subarray(0, 16)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .slice(0, 22)}"`

interface NodeCrypto {
  createHash(algorithm: 'sha256'): { update(bytes: Uint8Array): { digest(): Uint8Array } }
}

declare const process: { getBuiltinModule?(name: string): unknown } | undefined

let loaded: { readonly crypto: NodeCrypto | undefined } | undefined

// Node.js, Bun, Deno, and Workers with `nodejs_compat`. At the first call, because many processes store nothing.
function nodeCrypto(): NodeCrypto | undefined {
  loaded ??= {
    crypto: typeof process === 'object' ? (process.getBuiltinModule?.('node:crypto') as NodeCrypto) : undefined,
  }
  return loaded.crypto
}

// `If-Range` has no effect without `Range`.
const isSelective = (headers: Headers): boolean =>
  headers.get('if-none-match') !== null ||
  headers.get('range') !== null ||
  headers.get('if-modified-since') !== null ||
  headers.get('if-match') !== null ||
  headers.get('if-unmodified-since') !== null

function send(body: Entry['body'], status: number, headers: HeaderPairs): Response {
  if (typeof body === 'string') return createResponse(body || null, status, headers)
  return body.length === 0
    ? createResponse(null, status, headers)
    : new Response(body, { status, headers: headers as [string, string][] })
}

function toValidators(headers: HeaderPairs) {
  const valueOf = (name: string) => headers.find(([stored]) => stored === name)?.[1]
  const date = valueOf('last-modified')
  return { etag: valueOf('etag'), lastModified: date === undefined ? undefined : parseDate(date) }
}
