// The `http` blocks of the pages: a request, a blank line, and the response that it must get.

export interface Expected {
  readonly status: number
  /** The headers that the page shows; the response can have others. */
  readonly headers: Readonly<Record<string, string | null>>
  /** A parsed value if the body is JSON; undefined if the page shows no body. */
  readonly body: unknown
}

export function parseHttp(text: string): { readonly request: Request; readonly expected: Expected } {
  const at = text.search(/^HTTP\/1\.1 /m)
  const [line, ...fields] = headOf(text.slice(0, at))
  const [, method, path] = /^([A-Z]+) (\S+)(?: HTTP\/1\.1)?$/.exec(line ?? '') ?? []
  if (!method || !path) throw new Error(`an http block begins with a request line, not ${line}`)
  const body = bodyOf(text.slice(0, at))
  const headers = fields.map(toField)
  const host = headers.find(([name]) => name === 'host')?.[1] ?? 'localhost:3000'
  const request = new Request(`http://${host}${path}`, { method, headers, ...(body && { body }) })
  const [status, ...own] = headOf(text.slice(at))
  const shown = bodyOf(text.slice(at))
  return {
    request,
    expected: {
      status: Number(status!.split(' ')[1]),
      headers: Object.fromEntries(own.map(toField).map(([name, value]) => [name, withoutSeconds(name, value)])),
      body: shown && toValue(shown),
    },
  }
}

/** The parts of a response that the page shows. */
export async function toReceived(response: Response, { headers, body }: Expected): Promise<Expected> {
  const text = await response.text()
  return {
    status: response.status,
    headers: Object.fromEntries(
      Object.keys(headers).map((name) => [name, withoutSeconds(name, response.headers.get(name))]),
    ),
    body: body === undefined ? undefined : toValue(text),
  }
}

const headOf = (message: string): string[] => message.split('\n\n')[0]!.split('\n').filter(Boolean)
const bodyOf = (message: string): string | undefined => message.split('\n\n').slice(1).join('\n\n').trim() || undefined
// A busy machine takes longer, so the page shows the seconds of one run.
const withoutSeconds = (name: string, value: string | null): string | null =>
  name === 'age' || name === 'cache-status' ? (value?.replace(/^\d+$|(?<=ttl=)\d+/, '…') ?? null) : value
const toField = (line: string): [string, string] => {
  const [, name, value] = /^([\w-]+): *(.*)$/.exec(line) ?? []
  if (!name) throw new Error(`an http block has the header ${JSON.stringify(line)}`)
  return [name.toLowerCase(), value!]
}

function toValue(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text.trim()
  }
}
