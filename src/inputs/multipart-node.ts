// Browsers and most clients write a form in one way, which is read here. Busboy reads the other ways that RFC 7578 allows. The
// parser of Node.js rejects most of those, ignores charsets, and its limits depend on its version; Bun's misreads some names.
import type { BusboyConstructor } from '@fastify/busboy'
import { readMultipart as readNative, type Entries } from './multipart.js'

export type { Entries } from './multipart.js'

// One more than a form can have fields. Busboy would take a second or two for 20,000.
const maxParts = 1_001

/** Parses a `multipart/form-data` body. `type` is its whole `Content-Type`. Rejects if the body is malformed. */
export async function readMultipart(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<Entries> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const usual = readUsual(buffer, type)
  if (usual) return usual
  const { pieces, count } = split(buffer, type)
  if (count > maxParts) throw tooManyParts()
  // Loaded with the first form that needs it, because most processes get none.
  busboy ??= import('@fastify/busboy').catch(() => undefined)
  const { Busboy } = (await busboy) ?? {}
  // A bundle may be unable to load it, such as one of esbuild in ESM format, which has no `require`.
  return Busboy ? parse(Busboy, pieces, count, type) : readNative(bytes, type)
}

const tooManyParts = (): TypeError => new TypeError('the form has too many parts')

// As the WHATWG writes it: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
const usualType = /^multipart\/form-data; ?boundary=([\w'()+./:=?-]{1,70})$/
const usualHead =
  // Browsers escape control characters in names.
  // oxlint-disable-next-line no-control-regex
  /^content-disposition: form-data; name="([^\0-\x1f\x7f"\\]*)"(?:; filename="([^\0-\x1f\x7f"\\]*)")?(?:\r\ncontent-type: ?([\w!#$&^.+-]+\/[\w!#$&^.+-]+))?$/i
const maxHead = 2_048

/** Reads a form whose parts are all written in the usual way. Returns `undefined` for any other body. */
function readUsual(bytes: Buffer<ArrayBuffer>, type: string): Entries | undefined {
  const [, boundary] = usualType.exec(type) ?? []
  if (boundary === undefined) return undefined
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1')
  const entries: [name: string, value: string | File][] = []
  // The first boundary has no line end before it.
  const first = delimiter.subarray(2)
  const hasFirst = (at: number): boolean => bytes.subarray(at, at + first.length).equals(first)
  if (!hasFirst(0)) return undefined
  let at = first.length
  while (bytes[at] === 13 && bytes[at + 1] === 10) {
    const end = bytes.subarray(at + 2, at + maxHead).indexOf('\r\n\r\n', 0, 'latin1')
    const [, name, filename, mediaType = 'text/plain'] =
      usualHead.exec(bytes.toString('latin1', at + 2, at + 2 + Math.max(end, 0))) ?? []
    if (name === undefined) return undefined
    const from = at + 2 + end + 4
    const to = bytes.indexOf(delimiter, from)
    // A boundary immediately after the empty line has no line end of its own.
    if (to === -1 || hasFirst(from)) return undefined
    if (entries.length === maxParts) throw tooManyParts()
    entries.push([
      toName(name),
      filename === undefined
        ? bytes.toString('utf8', from, to)
        : new File([bytes.subarray(from, to)], toName(filename), { type: mediaType }),
    ])
    at = to + delimiter.length
  }
  // The last boundary. Anything can follow it.
  return bytes[at] === 45 && bytes[at + 1] === 45 && entries.length ? entries : undefined
}

const toName = (latin1: string): string => {
  // Control characters are ASCII.
  // oxlint-disable-next-line no-control-regex
  const name = /^[\x00-\x7f]*$/.test(latin1) ? latin1 : Buffer.from(latin1, 'latin1').toString()
  return name.includes('%') ? unescape(name) : name
}

let busboy: Promise<{ Busboy: BusboyConstructor } | undefined> | undefined

function parse(Busboy: BusboyConstructor, pieces: readonly Buffer[], count: number, type: string): Promise<Entries> {
  return new Promise((resolve, reject) => {
    const entries: [name: string, value: string | File][] = []
    const parser = new Busboy({
      headers: { 'content-type': type },
      preservePath: true,
      limits: { fieldSize: Number.POSITIVE_INFINITY, headerPairs: 100, parts: maxParts },
      isPartAFile: (_name, _type, filename) => filename !== undefined,
    })
    parser.on('field', (name, value, _isNameCut, _isCut, encoding) => {
      entries.push([unescape(name), encoding === 'base64' ? Buffer.from(value, 'base64').toString() : value])
    })
    parser.on('file', (name, stream, filename, encoding, type) => {
      const entry: (typeof entries)[number] = [unescape(name), '']
      entries.push(entry)
      const chunks: Buffer<ArrayBuffer>[] = []
      stream.on('data', (chunk: Buffer<ArrayBuffer>) => chunks.push(chunk)).on('error', reject)
      stream.on('end', () => {
        const content = encoding === 'base64' ? [Buffer.from(String(Buffer.concat(chunks)), 'base64')] : chunks
        entry[1] = new File(content, unescape(filename), { type })
      })
    })
    parser.on('error', reject).on('finish', () => {
      // Busboy skips parts without a `Content-Disposition: form-data`.
      if (entries.length === count && entries.every(([name]) => name !== undefined)) resolve(entries)
      else reject(new TypeError('a part of the form has no name'))
    })
    for (const piece of pieces) parser.write(piece)
    parser.end()
    // Busboy works in ticks of this turn. It never finishes if it skips a part of more than 16 KiB.
    setImmediate(reject, new TypeError('a part of the form cannot be read'))
  })
}

// As browsers escape names: https://html.spec.whatwg.org/multipage/form-control-infrastructure.html#multipart-form-data
const unescape = (name: string): string => name?.replace(/%(?:0a|0d|22)/gi, decodeURIComponent)

// Counts the parts, and removes the spaces that can follow a boundary, for which Busboy would skip the part:
// https://www.rfc-editor.org/rfc/rfc2046#section-5.1.1
function split(bytes: Buffer, type: string): { pieces: Buffer[]; count: number } {
  const [, quoted, token] = /;[ \t]*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(type) ?? []
  const boundary = `--${quoted ?? token}`
  const pieces: Buffer[] = []
  let count = 0
  let from = 0
  let end = 0
  for (;;) {
    const index = end || bytes.indexOf(boundary, 0, 'latin1') ? bytes.indexOf(`\r\n${boundary}`, end, 'latin1') + 2 : 0
    if (index === 1) break
    end = index + boundary.length
    const isLast = bytes[end] === 45 && bytes[end + 1] === 45
    if (isLast) end += 2
    let next = end
    while (bytes[next] === 32 || bytes[next] === 9) next++
    if (next > end) {
      pieces.push(bytes.subarray(from, end))
      from = next
    }
    if (isLast) break
    count++
  }
  pieces.push(bytes.subarray(from))
  return { pieces, count }
}
