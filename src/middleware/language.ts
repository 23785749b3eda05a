import { parseQualities } from '../headers/quality.js'
import { withVary } from './vary.js'
import type { AnyContext, Continued, Middleware } from '../middleware.js'
import { headerOf, withHeaders } from '#response'

export interface LanguageOptions<language extends string> {
  /** The languages of the app as BCP 47 tags, the default one first: `['en', 'de', 'pt-BR']`. */
  readonly supported: readonly [language, ...language[]]
  /**
   * Returns a language that the client chose, for example from a query or a cookie: `({ url }) => url.searchParams.get('lang')`.
   * `Accept-Language` decides if the app does not support it, and for `undefined` and `null`.
   * @default no choice
   */
  readonly choose?: (context: AnyContext, request: Request) => string | null | undefined
}

/**
 * Adds `context.language`: one of the supported languages. It is the language that the client chose, else the best match for
 * `Accept-Language`, else the first one. A match is the range itself or, if `de-AT` is not supported, `de`. Sends
 * `Content-Language` unless the response has one, and `Vary: Accept-Language` if that header was read.
 *
 * @throws TypeError if `supported` is empty or has something other than language tags.
 * @see https://www.rfc-editor.org/rfc/rfc4647#section-3.4
 * @example
 * const localized = route.use(language({ supported: ['en', 'de'] }))
 * export const greeting = localized('/greeting').get((request, { language }) => ({ text: texts[language].hello }))
 */
export function language<const language extends string>({
  supported,
  choose,
}: LanguageOptions<language>): Middleware<AnyContext, Continued<{ language: language }>> {
  const byTag = new Map(supported.map((tag) => [toTag(tag), tag]))
  const [first] = supported
  if (first === undefined) throw new TypeError("language() takes { supported: ['en'] } with at least one language")

  return function respondInLanguage(request, context, next) {
    const chosen = choose?.(context, request)
    const own = chosen ? lookup(chosen.toLowerCase(), byTag) : undefined
    const language = own ?? negotiate(request.headers.get('accept-language'), byTag) ?? first
    const map = (response: Response): Response => {
      const named =
        headerOf(response, 'content-language') === null
          ? withHeaders(response, [['content-language', language]])
          : response
      return own === undefined ? withVary(named, 'Accept-Language') : named
    }
    return next({ language }, { map })
  }
}

// https://www.rfc-editor.org/rfc/rfc5646#section-2.1: subtags of 1 to 8 letters and digits.
function toTag(tag: string): string {
  if (!/^[a-z]{1,8}(?:-[a-z\d]{1,8})*$/i.test(tag))
    throw new TypeError(`language() takes language tags such as 'en' or 'pt-BR', not ${JSON.stringify(tag)}`)
  return tag.toLowerCase()
}

/** Returns the supported language with the highest weight; for `*` the first one that the header does not exclude. */
function negotiate<language extends string>(
  header: string | null,
  supported: ReadonlyMap<string, language>,
): language | undefined {
  const ranges = parseQualities(header)
  const excluded = new Set(ranges.filter(({ weight }) => weight === 0).map(({ name }) => name))
  const isAllowed = (language: language): boolean => !excluded.has(language.toLowerCase())
  for (const { name, weight } of ranges) {
    if (weight === 0) continue
    const language = name === '*' ? [...supported.values()].find(isAllowed) : lookup(name, supported)
    if (language !== undefined && isAllowed(language)) return language
  }
  return undefined
}

// Removes subtags from the end, and a single letter with the subtag after it.
function lookup<language extends string>(
  range: string,
  supported: ReadonlyMap<string, language>,
): language | undefined {
  for (let rest = range; rest; rest = rest.replace(/(?:^|-[a-z\d])?-?[^-]*$/, '')) {
    const found = supported.get(rest)
    if (found !== undefined) return found
    if (!rest.includes('-')) return undefined
  }
  return undefined
}
