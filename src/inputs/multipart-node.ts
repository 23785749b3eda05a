// Node.js's own parser is faster, but rejects most forms that RFC 7578 allows and that browsers do not send, such as `name=x`
// without quotes, and ignores charsets. What it rejects depends on its version. Busboy reads those forms.
import type { BusboyConstructor } from '@fastify/busboy'
import { readMultipart as readNative, type Entries } from './multipart.js'

export type { Entries } from './multipart.js'

// One more than a form can have fields. Either parser would take a second or two for 20,000.
const maxParts = 1_001

/** Parses a `multipart/form-data` body. `type` is its whole `Content-Type`. Rejects if the body is malformed. */
export async function readMultipart(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<Entries> {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  const { pieces, count } = split(buffer, type)
  if (count > maxParts) throw new TypeError('the form has too many parts')
  // Bun's parser reads `name=a; filename=b` as the name of a field.
  const isSlow = 'Bun' in globalThis || slowMarks.some((mark) => buffer.includes(mark))
  const native = isSlow ? undefined : await readNative(bytes, type).catch(() => {})
  if (native) return native
  // Loaded with the first form that needs it, because most processes get none.
  busboy ??= import('@fastify/busboy').catch(() => undefined)
  const { Busboy } = (await busboy) ?? {}
  // A bundle may be unable to load it, such as one of esbuild in ESM format, which has no `require`.
  return Busboy ? parse(Busboy, pieces, count, type) : readNative(bytes, type)
}

// Charsets, transfer encodings and byte order marks, which the native parser ignores. Programs write such a name in one case.
const slowMarks = ['harset=', 'HARSET=', 'ncoding:', 'NCODING:', '\ufeff']

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
