import type { Body } from './body-field.js'

/** A request as it is sent. */
export interface Call {
  readonly method: string
  readonly url: string
  readonly headers: readonly (readonly [string, string])[]
  readonly body: Body | undefined
}

/** Something that a person filled in cannot be sent. */
export class Refusal extends Error {}

/** `/items/{slug}` with values in it, each in its own segment. Those of catch-alls keep their slashes. */
export const toPathname = (
  path: string,
  values: ReadonlyMap<string, string>,
  isCatchAll: (name: string) => boolean,
): string =>
  path.replace(/\{([^}]*)\}/g, (whole, name: string) => {
    const value = values.get(name)
    if (!value) return whole
    const segments = isCatchAll(name) ? value.split('/') : [value]
    // A browser would take them for steps, and leave out what they stand for.
    if (segments.some((segment) => segment === '.' || segment === '..'))
      throw new Refusal(`${name}: no URL can have “.” or “..” as a segment`)
    return segments.map(encodeURIComponent).join('/')
  })

const isSafe = /^[\w@%+=:,./-]+$/
const quote = (text: string): string => (isSafe.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`)

/** The same request for a shell. */
export function toCurl({ method, url, headers, body }: Call): string {
  const implied = body ? 'POST' : 'GET'
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

/** Sends it. A form tells its own media type, with its boundary. */
export const send = ({ method, url, headers, body }: Call, signal: AbortSignal): Promise<Response> =>
  fetch(url, { method, headers: headers.map(([name, value]) => [name, value]), body: body?.content ?? null, signal })
