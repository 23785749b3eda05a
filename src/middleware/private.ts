import { headerOf, withHeaders } from '#response'

/**
 * The Response, which a shared cache does not store together with its cookies.
 *
 * @see https://www.rfc-editor.org/rfc/rfc9111#section-7.3
 */
export function toPrivate(response: Response): Response {
  const control = headerOf(response, 'cache-control')
  if (control === null || !/\b(?:public|s-maxage)\b/i.test(control)) return response
  return withHeaders(response, (headers) => headers.set('cache-control', 'private, max-age=0, must-revalidate'))
}
