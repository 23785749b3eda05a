// The package imports this file as `#inputs/multipart`. Node.js and Bun get multipart-node.ts instead, whose parser is less strict.

/** The names and values of a form, in the order of the body. */
export type Entries = Iterable<readonly [name: string, value: string | File]>

/** Parses a `multipart/form-data` body. `type` is its whole `Content-Type`. Rejects if the body is malformed. */
export const readMultipart = (bytes: Uint8Array<ArrayBuffer>, type: string): Promise<Entries> =>
  new Response(bytes, { headers: { 'content-type': type } }).formData()
