import { parsePattern } from '../pattern.js'

/** A path template of OpenAPI: `/items/{slug}`. */
export interface Template {
  readonly path: string
  /** The path without param names. OpenAPI cannot distinguish two paths of the same shape. */
  readonly shape: string
  readonly params: readonly { readonly name: string; readonly isCatchAll: boolean }[]
  /** The name of the optional catch-all, if this is the path with it. Operation ids contain it. */
  readonly optional: string | undefined
}

/** Returns the paths of a pattern: two if its last segment is optional, else one. */
export function toTemplates(basePath: string, pattern: string): readonly Template[] {
  const segments = parsePattern(pattern)
  const last = segments.at(-1)
  const toTemplate = (those: typeof segments, optional: string | undefined): Template => {
    const write = (name: (name: string) => string): string =>
      basePath +
        those
          .map((segment) => `/${segment.kind === 'static' ? encode(segment.name) : `{${name(segment.name)}}`}`)
          .join('') || '/'
    return {
      path: write((name) => name),
      shape: write(() => ''),
      params: those
        .filter(({ kind }) => kind !== 'static')
        .map(({ name, kind }) => ({ name, isCatchAll: kind !== 'param' })),
      optional,
    }
  }
  if (last?.kind !== 'optional-catch-all') return [toTemplate(segments, undefined)]
  return [toTemplate(segments.slice(0, -1), undefined), toTemplate(segments, last.name)]
}

// Characters that RFC 3986, section 3.3, allows in a segment are not encoded.
const encode = (name: string): string =>
  encodeURIComponent(name).replace(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent)
