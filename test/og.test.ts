import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { PNG } from 'pngjs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { createCache } from '../src/cache/index.js'
import { route, router } from '../src/index.js'
import { fromNextApp } from '../src/next/index.js'
import { ImageResponse, type ImageResponseOptions } from '../src/og/index.js'

const require = createRequire(import.meta.url)
const data = readFileSync(require.resolve('@fontsource/inter/files/inter-latin-400-normal.woff'))
const fonts = [{ name: 'Inter', data }] as const
const element = (children: unknown, style: object = {}, type: unknown = 'div') => ({
  type,
  props: { style: { display: 'flex', width: '100%', height: '100%', backgroundColor: 'white', ...style }, children },
})
const size = { width: 200, height: 100, fonts }
const draw = async (response: Response) => PNG.sync.read(Buffer.from(await response.arrayBuffer()))

/** The number of dark pixels in a part of an image. */
function countDark(
  { data, width }: PNG,
  [left, top, right, bottom]: readonly [number, number, number, number],
): number {
  let count = 0
  for (let y = top; y < bottom; y++) for (let x = left; x < right; x++) if (data[(y * width + x) * 4]! < 128) count++
  return count
}

afterEach(() => vi.unstubAllGlobals())

class Card {
  declare isReactComponent: object
}
Card.prototype.isReactComponent = {}

describe('ImageResponse', () => {
  it('is a PNG with the text of the element', async () => {
    const response = new ImageResponse(
      element('HHH', { fontSize: 40, alignItems: 'center', justifyContent: 'center' }),
      size,
    )
    expect(response).toBeInstanceOf(Response)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe('image/png')
    const image = await draw(response)
    expect([image.width, image.height]).toEqual([200, 100])
    expect(countDark(image, [0, 0, 200, 20])).toBe(0)
    expect(countDark(image, [50, 30, 150, 70])).toBeGreaterThan(300)
    expect(countDark(image, [0, 80, 200, 100])).toBe(0)
  })

  it('is 1200 by 630 pixels by default', async () => {
    const image = await draw(new ImageResponse(element('a'), { fonts }))
    expect([image.width, image.height]).toEqual([1200, 630])
  })

  it('changes the image with debug', async () => {
    const plain = await draw(new ImageResponse(element(element('a', { width: 50, height: 50 })), size))
    const debug = await draw(
      new ImageResponse(element(element('a', { width: 50, height: 50 })), { ...size, debug: true }),
    )
    expect(debug.data.equals(plain.data)).toBe(false)
  })

  it('has the status, the reason phrase and the headers of its options', () => {
    const headers = { 'content-type': 'image/x-png', 'cache-control': 'max-age=60' }
    const response = new ImageResponse(element('a'), { ...size, status: 404, statusText: 'No Card', headers })
    expect([response.status, response.statusText]).toEqual([404, 'No Card'])
    expect(Object.fromEntries(response.headers)).toMatchObject(headers)
  })

  it('calls components, also asynchronous ones, and flattens fragments', async () => {
    const Label = async ({ text }: { text: string }) => ({
      type: Symbol.for('react.fragment'),
      props: { children: text },
    })
    const image = await draw(
      new ImageResponse(element({ type: Label, props: { text: 'HHHHHH' } }, { fontSize: 40 }), size),
    )
    expect(countDark(image, [0, 0, 200, 50])).toBeGreaterThan(300)
  })

  it('accepts images as data URLs and as bytes', async () => {
    const black = new PNG({ width: 4, height: 4 })
    for (let index = 3; index < black.data.length; index += 4) black.data[index] = 255
    const bytes = PNG.sync.write(black)
    for (const src of [`data:image/png;base64,${bytes.toString('base64')}`, new Uint8Array(bytes).buffer]) {
      const image = await draw(
        new ImageResponse(element({ type: 'img', props: { src, width: 100, height: 100 } }), size),
      )
      expect(countDark(image, [10, 10, 90, 90])).toBe(6_400)
    }
  })

  it('draws an emoji as the image that `emoji` returns', async () => {
    const svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"><rect width="1" height="1"/></svg>'
    const emoji = vi.fn(() => `data:image/svg+xml;base64,${btoa(svg)}`)
    const image = await draw(new ImageResponse(element('😀', { fontSize: 60 }), { ...size, emoji }))
    expect(emoji).toHaveBeenCalledWith('😀')
    expect(countDark(image, [0, 0, 80, 100])).toBeGreaterThan(2_000)
  })

  it.each([
    ['an image', { type: 'img', props: { src: 'http://169.254.169.254/latest', width: 1, height: 1 } }],
    [
      'an image of SVG',
      { type: 'svg', props: { children: { type: 'image', props: { href: '//evil.example/a.png' } } } },
    ],
    ['a background', element('a', { backgroundImage: "url( 'https://evil.example/a.png' )" })],
    ['a mask', element('a', { maskImage: 'linear-gradient(red, blue), url(https://evil.example)' })],
    ['a Tailwind class', { type: 'div', props: { tw: 'bg-[url(https://evil.example)]' } }],
    ['an image of a component', { type: () => ({ type: 'img', props: { src: '/etc/passwd' } }), props: {} }],
  ])('causes a 500 without a request for %s from the network', async (_name, child) => {
    const fetch = vi.fn()
    vi.stubGlobal('fetch', fetch)
    const onError = vi.fn()
    const app = router({ card: route('/').get(() => new ImageResponse(element(child), size)) }, { onError })
    expect((await app.fetch(new Request('http://localhost/'))).status).toBe(500)
    expect(String(onError.mock.calls[0]![0])).toMatch(/loads nothing over the network/)
    expect(fetch).not.toHaveBeenCalled()
  })

  it('causes a 500 without a request for an emoji from the network', async () => {
    const fetch = vi.fn()
    vi.stubGlobal('fetch', fetch)
    const onError = vi.fn()
    const emoji = () => 'http://169.254.169.254/emoji.svg'
    const card = route('/').get(() => new ImageResponse(element('😀'), { ...size, emoji }))
    expect((await router({ card }, { onError }).fetch(new Request('http://localhost/'))).status).toBe(500)
    expect(String(onError.mock.calls[0]![0])).toMatch(/loads nothing over the network/)
    expect(fetch).not.toHaveBeenCalled()
  })

  it('accepts a font as a view of a part of a buffer', async () => {
    const whole = new Uint8Array(data.length + 8)
    whole.set(data, 8)
    const view = [{ name: 'Inter', data: whole.subarray(8) }] as const
    const image = await draw(new ImageResponse(element('HHHH', { fontSize: 40 }), { ...size, fonts: view }))
    expect(countDark(image, [0, 0, 200, 100])).toBeGreaterThan(300)
  })

  it('requests nothing for letters and emoji that no font has', async () => {
    const fetch = vi.fn()
    vi.stubGlobal('fetch', fetch)
    const image = await draw(new ImageResponse(element('漢字 😀 ₿ ก'), size))
    expect(image.width).toBe(200)
    expect(fetch).not.toHaveBeenCalled()
  })

  it.each([
    ['a component throws', { type: () => Promise.reject(new Error('no such item')), props: {} }, fonts, /no such item/],
    ['a component is a class', { type: Card, props: {} }, fonts, /class/],
    ['a font is invalid', 'a', [{ name: 'Inter', data: new Uint8Array(8) }], /./],
  ] as const)('causes a 500 and calls onError if %s', async (_name, child, fonts, message) => {
    const onError = vi.fn()
    const card = route('/').get(() => new ImageResponse(element(child), { ...size, fonts }))
    const response = await router({ card }, { onError }).fetch(new Request('http://localhost/'))
    expect(response.status).toBe(500)
    expect(onError.mock.calls.map(([error]) => String(error))).toEqual([expect.stringMatching(message)])
  })

  it('is stored by a cache', async () => {
    const cache = createCache()
    let runs = 0
    const card = route('/[name]')
      .use(cache({ revalidate: 60 }))
      .get((_request, { params }) => {
        runs++
        return new ImageResponse(element(params.name, { fontSize: 40 }), size)
      })
    const app = router({ card })
    const first = await draw(await app.fetch(new Request('http://localhost/HH')))
    const second = await draw(await app.fetch(new Request('http://localhost/HH')))
    expect(runs).toBe(1)
    expect(second.data.equals(first.data)).toBe(true)
  })

  it('draws concurrent images separately', async () => {
    const images = await Promise.all(
      ['', 'HHHH', ''].map((text) => draw(new ImageResponse(element(text, { fontSize: 40 }), size))),
    )
    expect(images.map((image) => countDark(image, [0, 0, 200, 100]) > 100)).toEqual([false, true, false])
  })

  it('throws for options that are missing or out of range', () => {
    const make = (options: object) => () => new ImageResponse(element('a'), options as ImageResponseOptions)
    expect(make({})).toThrow(/takes fonts, because it loads none/)
    expect(make({ fonts: [] })).toThrow(TypeError)
    expect(make({ fonts: [{ name: 'Inter', data: 'inter.woff' }] })).toThrow(TypeError)
    expect(make({ fonts, emoji: 'twemoji' })).toThrow(/function from an emoji to a data URL/)
    for (const wrong of [0, 4_097, 1.5, Number.NaN, '100'])
      expect(make({ fonts, width: wrong }), String(wrong)).toThrow(RangeError)
    expect(make({ fonts, height: -1 })).toThrow(RangeError)
  })

  it('is the image of an opengraph-image module of a Next.js app', async () => {
    const app = router(
      fromNextApp(
        {
          './app/items/[slug]/opengraph-image.tsx': {
            size: { width: 200, height: 100 },
            contentType: 'image/png',
            default: ({ params }: { params: { slug: string } }) =>
              new ImageResponse(element(params.slug, { fontSize: 40 }), size),
          },
        } as never,
        { cache: createCache() },
      ),
    )
    const response = await app.fetch(new Request('http://localhost/items/HHHH/opengraph-image'))
    expect(response.headers.get('content-type')).toBe('image/png')
    expect(countDark(await draw(response), [0, 0, 200, 50])).toBeGreaterThan(200)
  })
})
