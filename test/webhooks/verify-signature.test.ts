import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import { route, router, text } from '../../src/index.js'
import { github, standardWebhooks, stripe, verifySignature, type SignatureOptions } from '../../src/webhooks/index.js'

afterEach(() => void vi.useRealTimers())

/** Resolves to 'ok', or to the detail of the thrown 403. */
async function verify(
  headers: Record<string, string>,
  body: Parameters<typeof verifySignature>[1],
  options: SignatureOptions,
): Promise<string> {
  try {
    await verifySignature({ headers: new Headers(headers) }, body, options)
    return 'ok'
  } catch (error) {
    if (!(error instanceof Response)) throw error
    expect([error.status, error.headers.get('content-type')]).toEqual([403, 'application/problem+json'])
    return ((await error.json()) as { detail: string }).detail
  }
}
const missing = 'The signature is missing or malformed.'
const late = 'The time of the signature is too far from the current time.'
const other = 'The signature does not match the body.'

const hmac = (key: string | Uint8Array, text: string) => createHmac('sha256', key).update(text)
const at = (seconds: number): void => void vi.useFakeTimers({ now: seconds * 1_000, toFake: ['Date'] })

// https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries#testing-the-webhook-payload-validation
const fromGithub = {
  headers: { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' },
  body: 'Hello, World!',
  options: { scheme: github, secret: "It's a Secret to Everybody" },
}

// Stripe documents no secret with its example of a header; this is the one that its own library was tested with:
// https://github.com/stripe/stripe-dotnet/tree/6045930/src/StripeTests, EventUtilityTest.cs and event_test_signature.json
const fromStripe = {
  time: 1_533_204_620,
  headers: {
    'stripe-signature':
      't=1533204620,v1=2220f87ef101a04665f11cdf770523143f875572008577fa0f20882ddb9cc3c7,v0=63f3a72374a733066c4be69ed7f8e5ac85c22c9f0a6a612ab9a025a9e4ee7eef',
  },
  body: `{
  "id": "evt_123",
  "object": "event",
  "account": "acct_123",
  "api_version": "2017-05-25",
  "created": 1533204620,
  "data": {
    "object": {
      "id": "cus_123",
      "object": "customer",
      "created": 123456789,
      "email": "test@stripe.com",
      "livemode": false,
      "metadata": {}
    }
  },
  "livemode": false,
  "pending_webhooks": 1,
  "request": {
    "id": "req_123",
    "idempotency_key": "idempotency-key-123"
  },
  "type": "customer.created"
}
`,
  options: { scheme: stripe, secret: 'webhook_secret' },
}

// https://docs.svix.com/receiving/verifying-payloads/how-manual, and the tests of the standard's own libraries:
// https://github.com/standard-webhooks/standard-webhooks/tree/main/libraries
const fromSvix = {
  time: 1_614_265_330,
  headers: {
    'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
    'webhook-timestamp': '1614265330',
    'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
  },
  body: '{"test": 2432232314}',
  options: { scheme: standardWebhooks, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
}

describe('verifySignature()', () => {
  describe.each([
    ['github', { ...fromGithub, time: 0 }],
    ['stripe', fromStripe],
    ['standardWebhooks', fromSvix],
  ])('%s', (name, { time, headers, body, options }) => {
    it('accepts the published example as a string and as bytes', async () => {
      at(time)
      const bytes = new TextEncoder().encode(body)
      const longer = new Uint8Array(bytes.length + 9)
      longer.set(bytes, 4)
      for (const form of [body, bytes, bytes.buffer, longer.subarray(4, -5), new DataView(bytes.buffer)])
        expect(await verify(headers, form, options)).toBe('ok')
    })

    it('throws a 403 for another body, another secret, and missing headers', async () => {
      at(time)
      for (const changed of [`${body} `, body.slice(1), body.replace('t', 'T').replace('H', 'h'), ''])
        expect(await verify(headers, changed, options)).toBe(other)
      expect(await verify(headers, body, { ...options, secret: `${options.secret.slice(0, -4)}abcd` })).toBe(other)
      expect(await verify({}, body, options)).toBe(missing)
      for (const left of Object.keys(headers)) {
        const rest = Object.fromEntries(Object.entries(headers).filter(([name]) => name !== left))
        expect([left, await verify(rest, body, options)]).toEqual([left, missing])
        expect(await verify({ ...headers, [left]: '' }, body, options)).toBe(missing)
        expect(await verify({ ...headers, [left]: 'x' }, body, options)).not.toBe('ok')
      }
    })

    it('accepts a signature of any of several secrets', async () => {
      at(time)
      const wrong = `${options.secret.slice(0, -4)}abcd`
      expect(await verify(headers, body, { ...options, secret: [wrong, options.secret] })).toBe('ok')
      expect(await verify(headers, body, { ...options, secret: [options.secret, wrong] })).toBe('ok')
      expect(await verify(headers, body, { ...options, secret: [wrong, wrong] })).toBe(other)
    })

    it('throws a 403 if any character of the headers changes', async () => {
      at(time)
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...Object.keys(headers)),
          fc.nat(),
          fc.constantFrom(...'0123456789abcdefABCDEFvt=,. +/'),
          async (header, place, character) => {
            const value = (headers as Record<string, string>)[header]!
            const index = place % value.length
            const changed = value.slice(0, index) + character + value.slice(index + 1)
            // Hexadecimal digits are parsed in either case, and Stripe's v0 is ignored.
            if (changed.toLowerCase() === value.toLowerCase() && name !== 'standardWebhooks') return
            if (name === 'stripe' && index >= value.indexOf(',v0')) return
            // The last character of base64 has unused bits.
            if (name === 'standardWebhooks' && index >= value.length - 2) return
            if (changed === value) return
            expect(await verify({ ...headers, [header]: changed }, body, options)).not.toBe('ok')
          },
        ),
        { numRuns: 300 },
      )
    })

    if (time)
      it('accepts a time within the tolerance, before or after now', async () => {
        for (const [seconds, tolerance, expected] of [
          [0, undefined, 'ok'],
          [300, undefined, 'ok'],
          [-300, undefined, 'ok'],
          [301, undefined, late],
          [-301, undefined, late],
          [301, 301, 'ok'],
          [1, 0, late],
          [1e9, Infinity, 'ok'],
        ] as const) {
          at(time + seconds)
          const given = tolerance === undefined ? options : { ...options, tolerance }
          expect([seconds, await verify(headers, body, given)]).toEqual([seconds, expected])
        }
      })

    it('throws for an empty or missing secret and for a negative tolerance', async () => {
      at(time)
      for (const secret of ['', [], [''], [options.secret, ''], undefined, null, 5])
        await expect(verify(headers, body, { ...options, secret: secret as never })).rejects.toThrow(
          'verifySignature() takes a non-empty secret or an array of them',
        )
      await expect(verify(headers, body, { ...options, tolerance: -1 })).rejects.toThrow(RangeError)
    })
  })

  it("accepts only Stripe's v1 signatures, of which there can be up to 8", async () => {
    at(fromStripe.time)
    const { body, options } = fromStripe
    const code = hmac(options.secret, `${fromStripe.time}.${body}`).digest('hex')
    const wrong = '0'.repeat(64)
    for (const [header, expected] of [
      [`t=${fromStripe.time},v1=${wrong},v1=${code}`, 'ok'],
      [`t=${fromStripe.time}, v1=${code.toUpperCase()}`, 'ok'],
      [`v1=${code},t=${fromStripe.time}`, 'ok'],
      [`t=${fromStripe.time},v0=${code}`, missing],
      [`t=${fromStripe.time},v2=${code}`, missing],
      [`t=${fromStripe.time},v1=${code.slice(1)}`, missing],
      [`t=${fromStripe.time},t=${fromStripe.time + 1},v1=${code}`, missing],
      [`t=${fromStripe.time}e0,v1=${code}`, missing],
      [`t=-1,v1=${code}`, missing],
      [`v1=${code}`, missing],
      // At most eight are checked, because each one costs an HMAC of the whole body.
      [`t=${fromStripe.time},${`v1=${wrong},`.repeat(7)}v1=${code}`, 'ok'],
      [`t=${fromStripe.time},${`v1=${wrong},`.repeat(8)}v1=${code}`, other],
    ] as const)
      expect([header, await verify({ 'stripe-signature': header }, body, options)]).toEqual([header, expected])
  })

  it("accepts only GitHub's SHA-256 signature", async () => {
    const { body, options } = fromGithub
    const digits = hmac(options.secret, body).digest('hex')
    expect(await verify({ 'x-hub-signature-256': `sha256=${digits}` }, body, options)).toBe('ok')
    for (const header of [
      `sha1=${digits}`,
      digits,
      `sha256=${digits}00`,
      `sha256=${digits}, sha256=${digits}`,
      'sha256=',
    ])
      expect([header, await verify({ 'x-hub-signature-256': header }, body, options)]).toEqual([header, missing])
    const sha1 = createHmac('sha1', options.secret).update(body).digest('hex')
    expect(await verify({ 'x-hub-signature': `sha1=${sha1}` }, body, options)).toBe(missing)
  })

  it('accepts Standard Webhooks with either header prefix, several signatures, and secrets with and without whsec_', async () => {
    at(fromSvix.time)
    const { body, headers, options } = fromSvix
    const named = (signature: string, prefix = 'webhook-') => ({
      [`${prefix}id`]: headers['webhook-id'],
      [`${prefix}timestamp`]: headers['webhook-timestamp'],
      [`${prefix}signature`]: signature,
    })
    const good = headers['webhook-signature']
    const wrong = `v1,${'A'.repeat(43)}=`
    for (const [given, expected] of [
      [named(good, 'svix-'), 'ok'],
      [{ ...named(good, 'svix-'), 'webhook-signature': wrong }, missing],
      [named(`${wrong} ${good}`), 'ok'],
      [named(`v1a,${'A'.repeat(86)}== ${good}`), 'ok'],
      [named(good.replace('v1,', 'v1a,')), missing],
      [named(good.replace('v1,', 'v2,')), missing],
      [named(good.replace('v1,', '')), missing],
      [named('v1,'), missing],
      [named('v1,***'), missing],
      [named('v1,AAAA'), other],
    ] as const)
      expect([given, await verify(given, body, options)]).toEqual([given, expected])
    expect(await verify(headers, body, { ...options, secret: options.secret.slice('whsec_'.length) })).toBe('ok')
    await expect(verify(headers, body, { ...options, secret: 'whsec_not base64' })).rejects.toThrow(
      'standardWebhooks: the secret must be base64',
    )
  })

  it('accepts a custom scheme', async () => {
    const own = {
      read: (headers: Headers) => ({
        before: `${headers.get('x-time')}:`,
        codes: [Uint8Array.from(Buffer.from(headers.get('x-code') ?? '', 'base64url'))],
        timestamp: Number(headers.get('x-time')),
      }),
    }
    at(1_000)
    const code = hmac('s', '990:body').digest('base64url')
    expect(await verify({ 'x-time': '990', 'x-code': code }, 'body', { scheme: own, secret: 's' })).toBe('ok')
    expect(await verify({ 'x-time': '991', 'x-code': code }, 'body', { scheme: own, secret: 's' })).toBe(other)
    // NaN is outside every tolerance.
    expect(await verify({ 'x-time': 'a', 'x-code': code }, 'body', { scheme: own, secret: 's' })).toBe(late)
  })

  it('makes a route respond with 403 before its handler uses the body', async () => {
    const seen: unknown[] = []
    const hook = route('/hook').post({ body: text(z.string()) }, async (request, { body: text }) => {
      await verifySignature(request, text, fromGithub.options)
      seen.push(text)
    })
    const app = router({ hook }, { onError: (error) => seen.push(error) })
    const post = (headers: Record<string, string>, body: string) =>
      app.fetch(
        new Request('http://test/hook', {
          method: 'POST',
          headers: { 'content-type': 'application/json', ...headers },
          body,
        }),
      )
    expect((await post(fromGithub.headers, fromGithub.body)).status).toBe(204)
    expect((await post(fromGithub.headers, 'Hello, World?')).status).toBe(403)
    expect(await (await post({}, 'Hello, World!')).json()).toEqual({ title: 'Forbidden', status: 403, detail: missing })
    expect(seen).toEqual(['Hello, World!'])
  })

  it('throws a 403 for any unsigned headers and body', async () => {
    const words = fc.array(
      fc.constantFrom('t=', 'v1=', 'v1,', ',', ' ', 'sha256=', '0'.repeat(64), '1614265330', 'A', '='),
    )
    const header = fc.oneof(
      words.map((list) => list.join('')),
      fc.string({ unit: fc.constantFrom(...'tv1=, sha256+/é') }),
    )
    const names = [
      'stripe-signature',
      'x-hub-signature-256',
      'webhook-id',
      'webhook-timestamp',
      'webhook-signature',
      'svix-id',
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.dictionary(fc.constantFrom(...names), header),
        fc.string({ unit: 'binary' }),
        fc.constantFrom(fromGithub.options, fromStripe.options, fromSvix.options),
        async (headers, body, options) => {
          expect(await verify(headers, body, options)).not.toBe('ok')
        },
      ),
      { numRuns: 500 },
    )
  })
})
