import type { Body } from './body-field.js'

/** A request that the page can send. */
export interface Call {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Body | undefined
}

/** An entered value cannot be sent. */
export class InvalidCall extends Error {}

/**
 * Replaces the params of `/items/{slug}` with encoded values. The values of catch-alls keep their slashes.
 *
 * @throws InvalidCall if a segment is `.` or `..`.
 */
export const toPathname = (
  path: string,
  values: ReadonlyMap<string, string>,
  isCatchAll: (name: string) => boolean,
): string =>
  path.replace(/\{([^}]*)\}/g, (whole, name: string) => {
    const value = values.get(name)
    if (!value) return whole
    const segments = isCatchAll(name) ? value.split('/') : [value]
    // Browsers resolve these as relative segments and remove them.
    if (segments.some((segment) => segment === '.' || segment === '..'))
      throw new InvalidCall(`${name}: a URL cannot have “.” or “..” as a segment`)
    return segments.map(encodeURIComponent).join('/')
  })

const isSafe = /^[\w@%+=:,./-]+$/
const quote = (text: string): string => (isSafe.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`)

/** Returns the request as a curl command for a POSIX shell. */
export function toCurl({ method, url, headers, body }: Call): string {
  const implied = body?.curl.length ? 'POST' : 'GET'
  const words = [
    ['curl', ...(method === 'HEAD' ? ['-I'] : method === implied ? [] : ['-X', method]), quote(url)],
    ...headers.map(([name, value]) => ['-H', quote(value ? `${name}: ${value}` : `${name};`)]),
    ...pairs(body?.curl ?? []).map(([flag, value]) => [flag, quote(value)]),
  ]
  return words.map((line) => line.join(' ')).join(' \\\n  ')
}

function pairs(list: readonly string[]): [string, string][] {
  return Array.from({ length: list.length / 2 }, (_, index) => [list[2 * index]!, list[2 * index + 1]!])
}

/** Sends the request. `fetch` sets the Content-Type of a form, with its boundary. */
export const send = ({ method, url, headers, body }: Call, signal: AbortSignal): Promise<Response> =>
  fetch(url, { method, headers: headers.map(([name, value]) => [name, value]), body: body?.content ?? null, signal })
