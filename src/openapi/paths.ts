import { parsePattern } from '../pattern.js'

/** A pathname as OpenAPI writes it: `/items/{slug}`. */
export interface Template {
  readonly path: string
  /** The same for all paths that OpenAPI cannot tell apart. */
  readonly shape: string
  readonly params: readonly { readonly name: string; readonly isCatchAll: boolean }[]
  /** The optional catch-all that is there, which tells its operations from those of the path without it. */
  readonly optional: string | undefined
}

/** The paths of a pattern: two where its last segment is optional, else one. */
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

// What RFC 3986 §3.3 lets a segment hold stays readable.
const encode = (name: string): string =>
  encodeURIComponent(name).replace(/%(?:24|26|2B|2C|3A|3B|3D|40)/g, decodeURIComponent)
