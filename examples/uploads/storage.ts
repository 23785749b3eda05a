import { AwsClient } from 'aws4fetch'
import { BodyLimitError } from 'byway'
import { formatContentDisposition } from 'byway/reply'
import type { NewFile } from './files.js'

export interface StorageOptions {
  /** Such as `https://s3.eu-central-1.amazonaws.com` or `https://<account>.r2.cloudflarestorage.com`. */
  readonly endpoint: string
  readonly bucket: string
  /** `auto` for R2. */
  readonly region: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** The storage cannot be reached, or its response is not the expected one. */
export class StorageError extends Error {
  override readonly name = 'StorageError'

  constructor(operation: string, cause: unknown) {
    super(`the storage failed: ${operation}`, { cause })
  }
}

/** The body does not have the declared number of bytes. */
export class SizeError extends Error {
  override readonly name = 'SizeError'

  constructor(readonly isTooLarge: boolean) {
    super(`the body is ${isTooLarge ? 'larger' : 'smaller'} than declared`)
  }
}

/** A bucket of an S3-compatible storage. */
export class Storage {
  readonly #client: AwsClient
  readonly #bucket: string
  readonly #url: string

  constructor({ endpoint, bucket, ...credentials }: StorageOptions) {
    this.#client = new AwsClient({ ...credentials, service: 's3', retries: 2 })
    this.#bucket = bucket
    this.#url = `${endpoint.replace(/\/$/, '')}/${bucket}`
  }

  /** A URL with which one PUT of exactly this type and size works for `seconds`. */
  async presignPut(key: string, { type, size }: NewFile, seconds: number): Promise<string> {
    const headers = { 'content-type': type, 'content-length': String(size) }
    return this.#presign('PUT', new URL(`${this.#url}/${key}`), seconds, headers)
  }

  /** A URL from which a browser saves the file. It never shows it, because the content can be anything. */
  async presignGet(key: string, { name, type }: NewFile, seconds: number): Promise<string> {
    const url = new URL(`${this.#url}/${key}`)
    url.searchParams.set('response-content-disposition', formatContentDisposition('attachment', name))
    url.searchParams.set('response-content-type', type)
    url.searchParams.set('response-cache-control', 'private, no-store')
    return this.#presign('GET', url, seconds)
  }

  async #presign(method: string, url: URL, seconds: number, headers: Record<string, string> = {}): Promise<string> {
    url.searchParams.set('X-Amz-Expires', String(seconds))
    // `allHeaders`, because aws4fetch leaves the type and the length unsigned otherwise.
    const signed = await this.#client.sign(url, { method, headers, aws: { signQuery: true, allHeaders: true } })
    // The signature is of `%20`. Not every storage reads `+` as a space.
    return signed.url.replaceAll('+', '%20')
  }

  /**
   * Streams a body, and buffers only a few chunks of it. A storage creates the object when the body is complete, so a
   * failure leaves no partial object.
   *
   * @throws SizeError if the body does not have `size` bytes, BodyLimitError, and StorageError if the storage fails.
   */
  async put(
    key: string,
    body: ReadableStream<Uint8Array>,
    { type, size }: NewFile,
    signal: AbortSignal,
  ): Promise<void> {
    const request = await this.#client.sign(`${this.#url}/${key}`, {
      method: 'PUT',
      headers: { 'content-type': type, 'content-length': String(size) },
      body: body.pipeThrough(exactly(size)),
      signal,
    })
    // Not `client.fetch`: it repeats a failed request, and the body can be read only once.
    const response = await fetch(request).catch((error: Error) => {
      const { cause } = error
      if (signal.aborted || cause instanceof SizeError || cause instanceof BodyLimitError) throw cause ?? error
      throw new StorageError('PUT', error)
    })
    await expectOk('PUT', response)
  }

  /** Returns the type and size of an object and its version, or `undefined` if there is no object. */
  async head(key: string): Promise<{ type: string | null; size: number; etag: string } | undefined> {
    const { status, headers, ok } = await this.#fetch('HEAD', key)
    if (status === 404) return undefined
    if (!ok) throw new StorageError('HEAD', status)
    return {
      type: headers.get('content-type'),
      size: Number(headers.get('content-length')),
      etag: headers.get('etag') ?? '',
    }
  }

  /** Copies an object within the bucket, and returns whether the object still had this version. */
  async copy(from: string, to: string, etag: string): Promise<boolean> {
    const response = await this.#fetch('PUT', to, {
      'x-amz-copy-source': `/${this.#bucket}/${from}`,
      'x-amz-copy-source-if-match': etag,
    })
    if (response.status === 404 || response.status === 412) return false
    // A copy that fails late has the status 200 and an error as its body.
    const text = await expectOk('copy', response)
    if (!text.includes('<CopyObjectResult')) throw new StorageError('copy', text)
    return true
  }

  /** Deletes an object. A missing object is not an error. */
  async delete(key: string): Promise<void> {
    await expectOk('DELETE', await this.#fetch('DELETE', key))
  }

  #fetch(method: string, key: string, headers: Record<string, string> = {}): Promise<Response> {
    const signal = AbortSignal.timeout(10_000)
    return this.#client.fetch(`${this.#url}/${key}`, { method, headers, signal }).catch((error: Error) => {
      throw new StorageError(method, error)
    })
  }
}

async function expectOk(operation: string, response: Response): Promise<string> {
  const text = await response.text()
  if (!response.ok) throw new StorageError(operation, `${response.status} ${text}`)
  return text
}

/** Passes exactly `size` bytes. The last chunk waits for the end of the body, so a longer body never looks complete. */
function exactly(size: number): TransformStream<Uint8Array, Uint8Array> {
  let count = 0
  let last: Uint8Array | undefined
  return new TransformStream({
    transform(chunk, controller) {
      if (!chunk.byteLength) return
      count += chunk.byteLength
      if (count > size) throw new SizeError(true)
      if (last) controller.enqueue(last)
      last = chunk
    },
    flush(controller) {
      if (count < size) throw new SizeError(false)
      if (last) controller.enqueue(last)
    },
  })
}
