import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { codings as nodeCodings } from '../src/compression/codings-node.js'
import { codings } from '../src/compression/codings.js'

const text = 'lorem ipsum ü '.repeat(1_000)
const bytes = new TextEncoder().encode(text)

describe('the codings of hosts without node:zlib', () => {
  it('contain only gzip, without streaming', async () => {
    expect(codings.map(({ name, stream }) => [name, stream])).toEqual([['gzip', undefined]])
    expect(gunzipSync(await codings[0]!.compress(bytes)).toString()).toBe(text)
  })
})

describe('the codings of Node.js', () => {
  it.each(nodeCodings.map((coding) => [coding.name, coding] as const))(
    '%s compresses bodies and streams',
    async (name, coding) => {
      const decode = name === 'br' ? brotliDecompressSync : name === 'gzip' ? gunzipSync : undefined
      const whole = await coding.compress(bytes)
      const streamed = new Uint8Array(await new Response(coding.stream!(new Response(bytes).body!)).arrayBuffer())
      for (const encoded of [whole, streamed]) {
        expect(encoded.length).toBeLessThan(bytes.length / 10)
        if (decode) expect(decode(encoded).toString()).toBe(text)
      }
      expect((await new Response(coding.stream!(new Response('').body!)).arrayBuffer()).byteLength).toBeGreaterThan(0)
    },
  )
})
