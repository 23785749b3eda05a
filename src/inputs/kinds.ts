import type { BodyKind } from '../declaration.js'
import type { Schema, Unvalidated } from '../schema.js'

/**
 * A body as its exact characters, of any media type: to verify a signature and then parse it, for example. A byte order mark
 * is preserved. A body that is not UTF-8 is a 400.
 */
export function text(): BodyKind<'text', Unvalidated<string>, string>
export function text<schema extends Schema>(schema: schema): BodyKind<'text', schema, string>
export function text(schema?: Schema): BodyKind<'text', Schema | undefined, string> {
  return { key: 'text', schema, types: ['*/*'], document: 'value', read: (body) => body.text() }
}

/** A body as a `Uint8Array`, of any media type. */
export function bytes(): BodyKind<'bytes', Unvalidated<Uint8Array<ArrayBuffer>>, Uint8Array | Blob>
export function bytes<schema extends Schema>(schema: schema): BodyKind<'bytes', schema, Uint8Array | Blob>
export function bytes(schema?: Schema): BodyKind<'bytes', Schema | undefined, Uint8Array | Blob> {
  return { key: 'bytes', schema, types: ['*/*'], document: 'bytes', read: (body) => body.bytes() }
}

/**
 * A body as a `ReadableStream`, of a media range such as `video/*`. Bytes are counted while they are read: above the limit
 * the stream fails with a `BodyLimitError`, which becomes a 413 if the handler does not catch it.
 *
 * @throws TypeError if `range` is not a media range.
 */
export function stream(
  range: `${string}/${string}`,
): BodyKind<'stream', Unvalidated<ReadableStream<Uint8Array<ArrayBuffer>>>, ReadableStream<Uint8Array> | Blob> {
  if (!/^[\w*+.-]+\/[\w*+.-]+$/.test(String(range)))
    throw new TypeError(`stream() takes a media range such as 'video/*' or '*/*', not ${JSON.stringify(range)}`)
  return { key: 'stream', schema: undefined as never, types: [range], document: 'bytes', read: (body) => body.stream() }
}
