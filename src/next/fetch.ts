import { cacheOf, findAmbient, type Ambient } from './ambient.js'
import { isDraft } from './headers.js'
import { load } from './wrapped.js'
import { fromBase64Url, toBase64Url } from '../headers/base64url.js'

/** The options of `fetch` in Next.js. */
export interface NextFetchInit extends RequestInit {
  readonly next?: { readonly revalidate?: number | false; readonly tags?: readonly string[] }
}

const native: typeof globalThis.fetch = (...args) => (originalFetch ?? globalThis.fetch)(...args)
let originalFetch: typeof globalThis.fetch | undefined

/**
 * The `fetch` of Next.js. In a mounted module, it stores a response with status 200 if the call requests that: with
 * `cache: 'force-cache'`, or `next: { revalidate }` of `false` or more than 0 seconds. `revalidateTag` reaches it by `next.tags`;
 * a cached response that used it gets its tags and its smaller `revalidate`. In one request, a GET is sent once. Everywhere
 * else, it is the host's `fetch`.
 *
 * @see https://nextjs.org/docs/app/api-reference/functions/fetch
 */
export const fetch = async (input: RequestInfo | URL, init?: NextFetchInit): Promise<Response> => {
  const ambient = findAmbient()
  if (!ambient) return native(input, init)
  const request = new Request(input, init)
  const decision = decide(ambient, request, init)
  if (decision === undefined || isDraft(ambient.request, ambient.settings.draftSecret))
    return request.method === 'GET' && !init?.signal && !request.signal.aborted
      ? once(ambient, request)
      : native(request)
  return fetchCached(ambient, request, decision)
}

/** How long a response is stored, or `undefined`: it is not. */
function decide(
  { settings: { fetchCache } }: Ambient,
  request: Request,
  init: NextFetchInit = {},
): Decision | undefined {
  const { cache, next = {} } = init
  const { revalidate, tags = [] } = next
  const refuse = (reason: string): never => {
    throw new Error(
      `fetch('${new URL(request.url).origin}…') ${reason}, but the module exports fetchCache = '${fetchCache}'`,
    )
  }
  const asksForNone = cache === 'no-store' || cache === 'no-cache' || cache === 'reload' || revalidate === 0
  const asksFor = cache === 'force-cache' || (revalidate !== undefined && revalidate !== 0)
  if (fetchCache === 'force-no-store') return undefined
  if (fetchCache === 'only-no-store' && asksFor) refuse('asks to be cached')
  if (fetchCache === 'only-cache' && asksForNone) refuse('asks not to be cached')
  const isDefault = !asksForNone && !asksFor && (fetchCache === 'default-cache' || fetchCache === 'only-cache')
  if (fetchCache !== 'force-cache' && !isDefault && !asksFor) return undefined
  return { revalidate: revalidate === undefined || revalidate === 0 ? false : revalidate, tags }
}

interface Decision {
  readonly revalidate: number | false
  readonly tags: readonly string[]
}

// https://www.w3.org/TR/trace-context/: they differ in every request.
const unkeyed = new Set(['traceparent', 'tracestate', 'baggage'])

async function toKey(request: Request): Promise<unknown[]> {
  const headers = [...request.headers].filter(([name]) => !unkeyed.has(name))
  const body = request.body ? toBase64Url(await request.clone().arrayBuffer()) : ''
  return [request.method, request.url, headers, body]
}

interface Stored {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

// A response that is not stored leaves `cache.wrap` as an error, which is not stored either.
class Unstored extends Error {
  readonly response: Response

  constructor(response: Response) {
    super('not stored')
    this.response = response
  }
}

async function fetchCached(ambient: Ambient, request: Request, { revalidate, tags }: Decision): Promise<Response> {
  const cache = cacheOf('fetch', ambient)
  const key = await toKey(request)
  const run = async (): Promise<Stored> => {
    // Other requests can wait for it, so it does not abort with this one.
    const response = await native(new Request(request.clone(), { signal: null }))
    if (response.status !== 200) throw new Unstored(response)
    const headers = [...response.headers].filter(([name]) => name !== 'content-encoding' && name !== 'content-length')
    return { status: 200, headers, body: toBase64Url(await response.arrayBuffer()) }
  }
  try {
    const { status, headers, body } = (await load(
      cache,
      ambient,
      { name: 'fetch', key, tags, revalidate },
      run,
    )) as Stored
    return new Response(fromBase64Url(body), { status, headers: headers as [string, string][] })
  } catch (error) {
    if (error instanceof Unstored) return error.response.clone()
    throw error
  }
}

/** Sends a GET once in one request of a mounted module. */
async function once({ fetched }: Ambient, request: Request): Promise<Response> {
  const key = JSON.stringify(await toKey(request))
  let response = fetched.get(key)
  if (!response) fetched.set(key, (response = native(request)))
  return (await response).clone()
}

/** Replaces `globalThis.fetch`. Returns a function that restores it. */
export function patchFetch(): () => void {
  if (originalFetch) return () => {}
  const own = globalThis.fetch
  originalFetch = own
  globalThis.fetch = fetch as typeof globalThis.fetch
  return () => {
    globalThis.fetch = own
    originalFetch = undefined
  }
}
