import { createHash, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { AwsV4Signer } from 'aws4fetch'
import S3rver from 's3rver'
import type { StorageOptions } from './storage.js'

// The only key that s3rver knows.
const credentials = { accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' }

/**
 * Starts an S3 server that stores its objects in a folder, for development and tests. s3rver does not check signatures of
 * version 4, except for their expiry, so this server does.
 */
export async function startLocalS3(directory: string): Promise<StorageOptions & { close(): Promise<void> }> {
  const bucket = 'uploads'
  const s3 = new S3rver({
    directory,
    silent: true,
    vhostBuckets: false,
    configureBuckets: [{ name: bucket, configs: [] }],
  })
  await s3.configureBuckets()
  const handle = s3.callback()

  const server = createServer(async (request, response) => {
    if (await hasValidSignature(request)) handle(request, response)
    else response.writeHead(403, { connection: 'close' }).end('SignatureDoesNotMatch')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bucket,
    region: 'us-east-1',
    ...credentials,
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

/** Signs the request again as it arrived, and compares. */
async function hasValidSignature({ method, url: target, headers }: IncomingMessage): Promise<boolean> {
  const url = new URL(target!, `http://${headers.host}`)
  const signQuery = url.searchParams.has('X-Amz-Signature')
  const { authorization = '' } = headers
  const [given, signedHeaders] = signQuery
    ? [url.searchParams.get('X-Amz-Signature')!, url.searchParams.get('X-Amz-SignedHeaders') ?? '']
    : [/Signature=(\w+)/.exec(authorization)?.[1] ?? '', /SignedHeaders=([^,]+)/.exec(authorization)?.[1] ?? '']
  if (!given || !signedHeaders) return false
  url.searchParams.delete('X-Amz-Signature')

  const signed = signedHeaders.split(';').filter((name) => name !== 'host')
  const signer = new AwsV4Signer({
    ...credentials,
    method,
    url: url.href,
    headers: signed.map((name): [string, string] => [name, String(headers[name] ?? '')]),
    datetime: signQuery ? url.searchParams.get('X-Amz-Date')! : String(headers['x-amz-date']),
    service: 's3',
    region: 'us-east-1',
    signQuery,
    allHeaders: true,
  })
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(await signer.signature()))
}
