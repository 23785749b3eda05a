/** What names are in a URL: `Crème Brûlée` is `creme-brulee`. Empty if there is nothing in the name to write. */
export function toSlug(name: string): string {
  return name
    .normalize('NFKD')
    .replace(/[\u0300-\u036f'’]/g, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
}

/** How light a color is, from 0 to 100, and the words it is filed under. */
export function describeColor(hex: string): { lightness: number; tags: string[] } {
  const { lightness, chroma, hue } = toOklch(hex)
  const tags = [chroma < 0.03 ? 'grey' : toHueName(lightness, chroma, hue)]
  if (lightness < 0.4) tags.push('dark')
  if (lightness > 0.85) tags.push('light')
  if (chroma > 0.18) tags.push('vivid')
  return { lightness: Math.round(lightness * 1000) / 10, tags }
}

const hues = [
  [10, 'pink'],
  [42, 'red'],
  [75, 'orange'],
  [112, 'yellow'],
  [165, 'green'],
  [215, 'teal'],
  [280, 'blue'],
  [325, 'purple'],
  [360, 'pink'],
] as const

function toHueName(lightness: number, chroma: number, hue: number): string {
  const name = hues.find(([end]) => hue < end)![1]
  return (name === 'orange' || name === 'red') && lightness < 0.6 && chroma < 0.13 ? 'brown' : name
}

// https://www.w3.org/TR/css-color-4/#color-conversion-code
function toOklch(hex: string): { lightness: number; chroma: number; hue: number } {
  const [r, g, b] = [1, 3, 5].map((at) => {
    const value = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4
  }) as [number, number, number]
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b)
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b)
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b)
  const alpha = 1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s
  const beta = 0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s
  return {
    lightness: 0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    chroma: Math.hypot(alpha, beta),
    hue: ((Math.atan2(beta, alpha) * 180) / Math.PI + 360) % 360,
  }
}
