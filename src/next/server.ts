import parser from 'ua-parser-js'
import { ambientOf, requestOf, runAmbient } from './ambient.js'

/**
 * Runs work after the response, concurrently with other such work: a function, or a promise that is waited for. It can read
 * `cookies()` and `headers()`.
 *
 * @throws Error outside of a request of a mounted module.
 * @see https://nextjs.org/docs/app/api-reference/functions/after
 */
export function after(work: Promise<unknown> | (() => unknown)): void {
  const ambient = ambientOf('after', 'context.after()')
  const { context } = ambient
  if (typeof work !== 'function') return context.after(work)
  const later = ambient.in('after')
  // Other work does not wait for it.
  context.after(() => context.after(runAmbient(later, async () => work())))
}

/** Resolves immediately: there is no build that waits for a request. Makes the response of the running handler uncached. */
export async function connection(): Promise<void> {
  const { request } = requestOf('connection', 'nothing: handlers run for requests only')
  void request.headers.has('x-connection')
}

/** What a `User-Agent` header says about its client. */
export interface UserAgent {
  readonly isBot: boolean
  readonly ua: string
  readonly browser: { readonly name?: string; readonly version?: string; readonly major?: string }
  readonly device: { readonly model?: string; readonly type?: string; readonly vendor?: string }
  readonly engine: { readonly name?: string; readonly version?: string }
  readonly os: { readonly name?: string; readonly version?: string }
  readonly cpu: { readonly architecture?: string }
}

/** Parses a `User-Agent` header, of which 500 characters are read. */
export function userAgentFromString(input: string | undefined): UserAgent {
  const { ua, ...parts } = new parser.UAParser(input?.slice(0, 500) ?? '').getResult()
  return { ...(parts as Omit<UserAgent, 'ua' | 'isBot'>), ua, isBot: input !== undefined && isBot(input) }
}

/** Parses the `User-Agent` header of a request. */
export const userAgent = ({ headers }: { readonly headers: Headers }): UserAgent =>
  userAgentFromString(headers.get('user-agent') ?? undefined)

const isBot = (input: string): boolean =>
  /bot\b|bot\/|crawl|spider|slurp|mediapartners-google|google-inspectiontool|chrome-lighthouse|facebookexternalhit|ia_archiver|bingpreview|whatsapp|headlesschrome/i.test(
    input.slice(0, 500),
  )

/** The event of a `proxy.ts`. */
export interface NextFetchEvent {
  waitUntil(promise: Promise<unknown>): void
}
