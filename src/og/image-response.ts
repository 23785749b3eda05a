import type { Status } from '../problem.js'
import { createStreamResponse } from '../replies/stream.js'
import { withDefaults } from '../replies/reply.js'
import type { HeadersInput, Reply } from '../reply.js'
import { expand } from './element.js'
import { renderImage, type ImageFont } from './render.js'

/** A React element, or an object of the same shape: `{ type: 'div', props: { style, children } }`. */
export interface ImageElement {
  readonly type: unknown
  readonly props: any
}

export interface ImageResponseOptions<status extends Status = Status> {
  /** The fonts. The first one is the default. Nothing is loaded over the network. */
  readonly fonts: readonly [ImageFont, ...ImageFont[]]
  /** Pixels, from 1 to 4096. @default 1200 */
  readonly width?: number
  /** Pixels, from 1 to 4096. @default 630 */
  readonly height?: number
  /** Returns an image for an emoji, as a data URL. Without it, an emoji is drawn if a font has it. @default none */
  readonly emoji?: (emoji: string) => string | Promise<string>
  /** Whether the boxes of the layout are drawn. @default false */
  readonly debug?: boolean
  /** The status of the response. @default 200 */
  readonly status?: status
  /** The reason phrase, which HTTP/2 does not have. @default '' */
  readonly statusText?: string
  /** More headers. `content-type` is `image/png` unless it is among them. */
  readonly headers?: HeadersInput
}

/**
 * A Response with a PNG of an element, which satori lays out and resvg draws: flexbox and a part of CSS. It needs the packages
 * `satori` and `@resvg/resvg-wasm`. Fonts and images come from the caller, and nothing is loaded over the network: an
 * image is a data URL or an `ArrayBuffer`.
 *
 * The image is drawn while the response is sent. If that fails within a second, the response is a 500, and `onError` gets the
 * error. A line of text in 1200 by 630 pixels took 20 ms of CPU on a server: use `cache()` if the image depends on little. Keep the
 * array of fonts: satori parses a new one each time.
 *
 * @throws TypeError if `fonts` is missing, or an option has the wrong type.
 * @throws RangeError if `width` or `height` is not an integer from 1 to 4096.
 * @see https://nextjs.org/docs/app/api-reference/functions/image-response
 * @see https://github.com/vercel/satori#css
 * @example
 * const card = route('/items/[slug]/card.png').get((request, { params }) =>
 *   new ImageResponse({ type: 'div', props: { style: { fontSize: 60 }, children: params.slug } }, { fonts: [inter] }),
 * )
 */
export const ImageResponse = function (element: ImageElement, options: ImageResponseOptions): Response {
  checkOptions(options)
  const { width = 1200, height = 630, status = 200, statusText = '', headers } = options
  async function* draw(): AsyncGenerator<Uint8Array> {
    yield await renderImage(await expand(element), { ...options, width, height })
  }
  return createStreamResponse(draw(), (bytes) => bytes, {
    status,
    statusText,
    headers: withDefaults([['content-type', 'image/png']], headers) as [string, string][],
  })
  // A function that returns another object is a constructor of JavaScript, and not one of TypeScript.
} as unknown as {
  new <status extends Status = 200>(element: ImageElement, options: ImageResponseOptions<status>): Reply<status, Blob>
}

const maxSize = 4_096

function checkOptions({ fonts, width = 1, height = 1, emoji }: Partial<ImageResponseOptions> = {}): void {
  if (!Array.isArray(fonts) || !fonts.length)
    throw new TypeError(
      "ImageResponse takes fonts, because it loads none: { fonts: [{ name: 'Inter', data: await readFile('inter.woff') }] }",
    )
  for (const { name, data } of fonts as readonly ImageFont[])
    if (typeof name !== 'string' || !(data instanceof ArrayBuffer || ArrayBuffer.isView(data)))
      throw new TypeError(
        'ImageResponse takes fonts as { name, data }, where data has the bytes of a TTF, OTF or WOFF file',
      )
  if (emoji !== undefined && typeof emoji !== 'function')
    throw new TypeError('ImageResponse takes emoji as a function from an emoji to a data URL, because it loads no set')
  for (const [name, value] of Object.entries({ width, height }))
    if (!(Number.isInteger(value) && value >= 1 && value <= maxSize))
      throw new RangeError(`ImageResponse takes a ${name} from 1 to ${maxSize} pixels, not ${String(value)}`)
}
