import { addFields, toText } from './fields.js'

/**
 * The origin of an app, and the path that its routes share.
 *
 * @throws TypeError if `baseUrl` is not an http(s) URL.
 */
export function toBase(baseUrl: string | URL): string {
  const { origin, pathname } = new URL(baseUrl)
  // `localhost:3000` is a URL too, with the scheme `localhost` and the origin `null`.
  if (!origin.startsWith('http')) throw new TypeError(`baseUrl: '${baseUrl}' is not an http(s) URL`)
  return origin + pathname.replace(/\/+$/, '')
}

/**
 * The URL of a route. Each param is encoded, so the URL has the base's origin and the pattern's segments.
 *
 * @throws TypeError if a param is missing, empty, or `.` or `..`, which a URL cannot hold as a segment.
 */
export function toUrl(
  base: string,
  pattern: string,
  params: Readonly<Record<string, unknown>> = {},
  query: Readonly<Record<string, unknown>> = {},
): string {
  const path = pattern.replace(/\/(\[?)\[(\.\.\.)?([^[\]]*)]+/g, (_, optional: string, rest: string, name: string) => {
    const value = Object.hasOwn(params, name) ? params[name] : undefined
    const segments = rest ? (value ?? (optional && [])) : [value]
    const fail = (): never => {
      throw new TypeError(`'${pattern}': ${name} cannot be ${JSON.stringify(value)}`)
    }
    if (!Array.isArray(segments) || !(optional || segments.length)) fail()
    return (segments as unknown[])
      .map((segment) => {
        const text = segment === Object(segment) ? '' : String(segment ?? '')
        // The URL parser removes dot segments, in any spelling: https://url.spec.whatwg.org/#double-dot-path-segment
        if (/^(?:\.|%2e){0,2}$/i.test(text)) fail()
        // Keeps the characters that a segment can hold: https://www.rfc-editor.org/rfc/rfc3986#section-3.3
        return `/${encodeURI(text).replace(/[/?#]/g, encodeURIComponent)}`
      })
      .join('')
  })
  const search = new URLSearchParams()
  addFields(
    query,
    (name, value) => search.append(name, toText(value)),
    (name, key) => `${name}[${key}]`,
  )
  const text = String(search)
  // The root under a path is that path: `/api`, not `/api/`.
  return base + (path === '/' ? '' : path) + (text && `?${text}`)
}
