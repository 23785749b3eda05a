import { loadWasm } from '#og/wasm'
import { checkSource } from './element.js'
import { initWasm, Resvg } from '@resvg/resvg-wasm'
import satori, { init, type SatoriOptions } from 'satori/standalone'

/** A font of an image. */
export interface ImageFont {
  /** The name for `fontFamily`. */
  readonly name: string
  /** The bytes of a TTF, OTF or WOFF file. WOFF2 is not supported. */
  readonly data: ArrayBuffer | Uint8Array
  /** From 100 to 900. @default 400 */
  readonly weight?: 100 | 200 | 300 | 400 | 500 | 600 | 700 | 800 | 900
  /** @default 'normal' */
  readonly style?: 'normal' | 'italic'
}

interface Image {
  readonly width: number
  readonly height: number
  readonly fonts: readonly ImageFont[]
  readonly debug?: boolean
  readonly emoji?: (emoji: string) => string | Promise<string>
}

let loaded: Promise<void> | undefined

async function load(): Promise<void> {
  const { layout, resvg } = await loadWasm()
  await init(layout)
  try {
    await initWasm(resvg)
  } catch (error) {
    // Other code of the app uses resvg too, which can be initialized once.
    if (!String(error).includes('Already initialized')) throw error
  }
}

/** Draws an element as a PNG. */
export async function renderImage(element: unknown, image: Image): Promise<Uint8Array> {
  await (loaded ??= load().catch((error: unknown) => {
    loaded = undefined
    throw error
  }))
  const drawing = new Resvg(await toSvg(element, image), { font: { loadSystemFonts: false } })
  try {
    const rendered = drawing.render()
    try {
      return rendered.asPng()
    } finally {
      rendered.free()
    }
  } finally {
    drawing.free()
  }
}

const toSvg = (element: unknown, { width, height, fonts, emoji, debug = false }: Image): Promise<string> =>
  satori(element as Parameters<typeof satori>[0], {
    width,
    height,
    debug,
    // The caller's own array, by which satori finds the fonts that it has parsed. It takes any bytes, its types a Buffer.
    fonts: fonts as SatoriOptions['fonts'],
    // Nothing for a script that no font has, and for an emoji without `emoji`.
    loadAdditionalAsset: async (kind, text) => (kind === 'emoji' && emoji ? checkSource(await emoji(text)) : []),
  })
