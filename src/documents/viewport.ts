import { html, type Html } from './html.js'

/** How a browser shows a page, with the property names of Next.js's `Viewport`. */
export interface Viewport {
  /** The color of the browser's surface: for all pages, or by media query. */
  readonly themeColor?: string | ThemeColor | readonly ThemeColor[]
  /** The color schemes that the page supports, such as `'light dark'`. */
  readonly colorScheme?: 'normal' | 'light' | 'dark' | 'light dark' | 'dark light' | 'only light'
  /** Pixels, or `'device-width'`. @default 'device-width' */
  readonly width?: number | 'device-width'
  /** Pixels, or `'device-height'`. @default not sent */
  readonly height?: number | 'device-height'
  /** @default 1 */
  readonly initialScale?: number
  readonly minimumScale?: number
  /** A low value keeps people from zooming in. */
  readonly maximumScale?: number
  /** `false` keeps people from zooming in. */
  readonly userScalable?: boolean
  readonly viewportFit?: 'auto' | 'cover' | 'contain'
  readonly interactiveWidget?: 'resizes-visual' | 'resizes-content' | 'overlays-content'
}

export interface ThemeColor {
  readonly color: string
  readonly media?: string
}

const names = [
  ['width', 'width'],
  ['height', 'height'],
  ['initialScale', 'initial-scale'],
  ['minimumScale', 'minimum-scale'],
  ['maximumScale', 'maximum-scale'],
  ['userScalable', 'user-scalable'],
  ['viewportFit', 'viewport-fit'],
  ['interactiveWidget', 'interactive-widget'],
] as const

/**
 * Returns the `<meta>` elements of a page's viewport, for the `<head>` of an `html` template. Takes what a `viewport` export or
 * `generateViewport` of Next.js returns.
 *
 * @throws TypeError for a property that does not exist.
 * @see https://drafts.csswg.org/css-viewport/#viewport-meta
 * @see https://nextjs.org/docs/app/api-reference/functions/generate-viewport
 * @example
 * const page = html`<!doctype html><head>${viewport({ themeColor: 'black' })}<title>Shop</title></head>`
 */
export function viewport(given: Viewport = {}): Html {
  const { themeColor = [], colorScheme, ...rest } = given
  const all: { readonly [name: string]: unknown } = { width: 'device-width', initialScale: 1, ...rest }
  for (const name of Object.keys(all))
    if (!names.some(([known]) => known === name))
      throw new TypeError(
        `viewport() has no property '${name}'; use themeColor, colorScheme, ${names.map(([known]) => known).join(', ')}`,
      )
  const content = names
    .flatMap(([name, key]) => (all[name] === undefined ? [] : `${key}=${format(all[name])}`))
    .join(', ')
  const colors = [themeColor].flat().map((one) => (typeof one === 'string' ? { color: one } : (one as ThemeColor)))
  return html`<meta name="viewport" content="${content}" />${colors.map(({ color, media }) =>
      media === undefined
        ? html`<meta name="theme-color" content="${color}" />`
        : html`<meta name="theme-color" media="${media}" content="${color}" />`,
    )}${colorScheme === undefined ? null : html`<meta name="color-scheme" content="${colorScheme}" />`}`
}

const format = (value: unknown): string => (typeof value === 'boolean' ? (value ? 'yes' : 'no') : String(value))
